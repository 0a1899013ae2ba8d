-- GET over many keys at random: uniformly, or by Zipf's law. The requests are formatted before the run; what is left per request is one draw and one
-- look-up. The seed is fixed: every server is asked for the same keys in the same order.
-- Arguments: path before the key's number, number of keys, digits of the number (absent: 5), exponent of Zipf's law (absent: uniform).

require "summary"

local requests = {}
local count = 0
-- Zipf's law is drawn ahead, and the draws are gone through over and over.
local draws

function init(args)
   -- Formatting one and exchanging its number takes a twentieth of the time of formatting all.
   local head, tail = wrk.format("GET", args[1] .. "#"):match("^(.-)#(.*)$")
   local digits = "%0" .. (args[3] or "5") .. "d"
   count = tonumber(args[2])
   for index = 1, count do
      requests[index] = head .. string.format(digits, index - 1) .. tail
   end
   math.randomseed(20260101)
   if args[4] then draws = zipf(tonumber(args[4])) end
end

function zipf(exponent)
   local sums, sum, drawn = {}, 0, {}
   for rank = 1, count do
      sum = sum + rank ^ -exponent
      sums[rank] = sum
   end
   for index = 1, 1000000 do
      local wanted, low, high = math.random() * sum, 1, count
      while low < high do
         local middle = math.floor((low + high) / 2)
         if sums[middle] < wanted then low = middle + 1 else high = middle end
      end
      drawn[index] = low
   end
   return drawn
end

local position = 0

function request()
   if not draws then return requests[math.random(count)] end
   position = position % #draws + 1
   return requests[draws[position]]
end
