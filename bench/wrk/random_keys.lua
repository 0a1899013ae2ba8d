-- GET over many keys, uniformly at random. The requests are formatted before the run; what is left per request is one
-- draw and one table look-up. The seed is fixed: every server is asked for the same keys in the same order.
-- Arguments: path before the key's number (its digits have a fixed width), number of keys.

require "summary"

local requests = {}
local count = 0

function init(args)
   local prefix = args[1]
   count = tonumber(args[2])
   for index = 1, count do
      requests[index] = wrk.format("GET", string.format("%s%05d", prefix, index - 1))
   end
   math.randomseed(20260101)
end

function request()
   return requests[math.random(count)]
end
