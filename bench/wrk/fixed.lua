-- The same request over and over. There is no request function, so wrk formats it once and runs no Lua per request.
-- Arguments: method, body ("" for none), API key ("" or absent for none), one more header ("name: value"; absent for none).

require "summary"

function init(args)
   wrk.method = args[1]
   if args[3] and args[3] ~= "" then wrk.headers["X-API-Key"] = args[3] end
   if args[4] then
      local name, value = args[4]:match("^([^:]+): (.*)$")
      wrk.headers[name] = value
   end
   if args[2] ~= "" then
      wrk.body = args[2]
      wrk.headers["Content-Type"] = "application/json"
   end
end
