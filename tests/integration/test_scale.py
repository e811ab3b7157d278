# SPDX-License-Identifier: Apache-2.0
"""More than can be served: what is dropped, what gets through, and what one source can do to another."""
import time

from harness.daemon import Daemon
from harness.flood import Flood
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone

# A decision takes a third of a millisecond, so that a script can send more than the engine serves.
SLOW = """
return function(req)
  local n = 0
  for i = 1, 9000 do n = n + i end
  return ok {}
end
"""


def overload(t, daemon):
    """One run; what it has to show, or why it does not count: other work on the machine is overload as well."""
    server = daemon.address()
    phone = Phone(t, server)
    peak = Flood(server).closed(32, 1.0)
    shed_before = daemon.metric("verdict_udp_shed_total")
    flood = Flood(server)
    beats = []

    def heartbeat():
        # Of a kind that upstreams send: it has no user, and must not be lost for what else comes.
        started = time.monotonic()
        phone.ask("OPTIONS", None, 200, uri=f"sip:{server[0]}:{server[1]}")
        beats.append(time.monotonic() - started)

    flood.open(3 * peak, 0.5)
    flood.counted_from = len(flood.sent)
    served_before = flood.codes.get(200, 0)
    flood.open(3 * peak, 2, heartbeat)
    served = (flood.codes.get(200, 0) - served_before) / 2
    ended = time.monotonic()
    wait_until(lambda: [line for line in daemon.log().splitlines() if " takes on " in line][-1].endswith("again"), 3,
               "the end of the overload")
    recovered = time.monotonic() - ended
    flood.take(0.2)
    check(daemon.metric("verdict_udp_shed_total") > shed_before, "nothing was shed")
    equal(set(flood.codes) - {200, 503}, set(), "other answers")
    check(flood.codes.get(503, 0) > 0, "no sample was told")
    equal(flood.twice, 0, "requests with two finals")
    phone.ask("OPTIONS", "ok", 200)
    t.note(f"peak {peak:.0f}/s, at three times that {served:.0f}/s served, p99 {flood.wait_ms(0.99):.0f} ms, "
           f"heartbeats at most {1000 * max(beats):.0f} ms, over after {recovered:.2f} s")
    return served >= 0.5 * peak and flood.wait_ms(0.99) <= 250 and max(beats) < 0.3 and recovered < 1.2


@test(limit=40, alone=True, measures=True)
def overload_is_shed_before_it_is_read(t):
    daemon = Daemon(t, policy=SLOW, args=["--workers", 1])
    Phone(t, daemon.address()).ask("OPTIONS", "ok", 200)
    equal(daemon.metric("verdict_udp_shed_total"), 0, "shed without overload")
    check(any(overload(t, daemon) for _ in range(4)), f"in none of four runs: {t.notes}")
