-- GET, SET and DELETE over a thousand keys, mixed at random with a fixed seed: 80, 15 and 5 of a hundred. A miss is no fault, so answers of 500 and
-- above are counted here.

require "summary"

local requests = {}
local threads = {}
server_errors = 0

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   local json = { ["Content-Type"] = "application/json" }
   for index = 1, 1000 do
      local key = string.format("bench-mixed-%04d", index)
      local draw = index % 20
      if draw == 0 then
         requests[index] = wrk.format("DELETE", "/cache/" .. key)
      elseif draw <= 3 then
         requests[index] = wrk.format("POST", "/cache", json, '{"key":"' .. key .. '","value":' .. index .. ',"ttl":60}')
      else
         requests[index] = wrk.format("GET", "/cache/" .. key)
      end
   end
   math.randomseed(20260101)
end

function request()
   return requests[math.random(#requests)]
end

function response(status)
   if status >= 500 then server_errors = server_errors + 1 end
end

local print_summary = done

function done(summary, latency, requests)
   summary.errors.status = 0
   for _, thread in ipairs(threads) do
      summary.errors.status = summary.errors.status + thread:get("server_errors")
   end
   print_summary(summary, latency, requests)
end
