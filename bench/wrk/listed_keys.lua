-- GET, SET and DELETE over the keys of a file, mixed at random with a fixed seed. A miss is no fault, so answers of 500 and above are counted here, and
-- those that memory gave instead of Redis.
-- Arguments: file with a key on each line, GETs and SETs of a hundred (the rest are DELETEs), value, "count" to look at every answer.

require "summary"

local requests = {}
local threads = {}
server_errors = 0
memory_answers = 0

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   local json = { ["Content-Type"] = "application/json" }
   local keys, gets, sets, value = {}, tonumber(args[2]), tonumber(args[3]), args[4]
   for key in io.lines(args[1]) do keys[#keys + 1] = key end
   math.randomseed(20260101)
   -- Several requests for each key, so that it is read and written.
   for index = 1, math.max(#keys, 1000) * 4 do
      local key, draw = keys[math.random(#keys)], math.random(100)
      if draw <= gets then
         requests[index] = wrk.format("GET", "/cache/" .. key)
      elseif draw <= gets + sets then
         requests[index] = wrk.format("POST", "/cache", json, '{"key":"' .. key .. '","value":' .. value .. ',"ttl":600}')
      else
         requests[index] = wrk.format("DELETE", "/cache/" .. key)
      end
   end
   is_counting = args[5] == "count"
   if is_counting then response = count end
end

local position = 0

function request()
   position = position % #requests + 1
   return requests[position]
end

function count(status, headers)
   if status >= 500 then server_errors = server_errors + 1 end
   if headers["X-Cache-Degraded"] then memory_answers = memory_answers + 1 end
end

local print_summary = done

-- This runs in a state of its own, in which there was no init.
function done(summary, latency, requests)
   local errors = 0
   degraded_answers = 0
   for _, thread in ipairs(threads) do
      errors = errors + thread:get("server_errors")
      degraded_answers = degraded_answers + thread:get("memory_answers")
      if thread:get("is_counting") then summary.errors.status = errors end
   end
   print_summary(summary, latency, requests)
end
