-- Prints the result of a run as one line of JSON, so that nothing has to be read out of wrk's rounded text.
-- Latencies are microseconds. `status` counts answers of 400 and above (wrk's own definition), `degraded` those of memory instead of Redis, where a script
-- looks for them.

function done(summary, latency, requests)
   local errors = summary.errors
   local line = '{"requests":%d,"duration_us":%d,"status_errors":%d,"socket_errors":%d,'
      .. '"p50_us":%d,"p90_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d,"degraded":%d}\n'
   io.write(string.format(line,
      summary.requests, summary.duration,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max,
      degraded_answers or 0))
end
