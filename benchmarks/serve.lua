-- What wrk asks: wrk -s serve.lua URL -- FILE. The file has a path and query a line; they are asked in this order, over and over.
-- At the end it prints one line of JSON: requests, failed ones, the rate, bytes of an answer with its head, quantiles of the
-- latency in seconds.
local requests, turn = {}, 0

function init(args)
   for line in io.lines(args[1]) do
      requests[#requests + 1] = wrk.format("GET", line)
   end
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end

function done(summary, latency)
   local e = summary.errors
   local failed = e.connect + e.read + e.write + e.status + e.timeout
   local at = function(share) return latency:percentile(share) / 1e6 end
   io.write(string.format('{"requests": %d, "failed": %d, "seconds": %.6f, "rate": %.3f, "bytes": %.1f, "p50": %.6f, "p95": %.6f, '
      .. '"p99": %.6f, "p999": %.6f, "max": %.6f}\n', summary.requests, failed, summary.duration / 1e6,
      summary.requests / (summary.duration / 1e6), summary.bytes / summary.requests, at(50), at(95), at(99), at(99.9),
      latency.max / 1e6))
end
