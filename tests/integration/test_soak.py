# SPDX-License-Identifier: Apache-2.0
"""Nothing is left behind: memory, descriptors, transactions, calls."""
from harness import sipp
from harness.daemon import Daemon
from harness.registry import check, equal, test, wait_until


@test(limit=90, alone=True, measures=True)
def nothing_is_left_after_thousands_of_calls(t):
    daemon = Daemon(t, args=["--t1-ms", 50], listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"))
    memory, descriptors = [], []
    for number in range(4):
        loads = [sipp.start(t, daemon.address(), "invite_200.xml", calls=1500, rate=500, service="ok", name=f"ok{number}"),
                 sipp.start(t, daemon.address(), "invite_410.xml", calls=1500, rate=500, service="gone", name=f"gone{number}"),
                 sipp.start(t, daemon.address("tcp"), "options.xml", calls=500, rate=200, service="ok", transport="t1",
                            name=f"options{number}")]
        for load in loads:
            calls, failed = sipp.finish(load, 30)
            equal(failed, 0, f"failed calls of {calls}")

        def idle():
            workers = daemon.get("/v1/status")[1]["workers"]
            return all(w["calls"] == 0 and w["transactions"] == 0 for w in workers)

        wait_until(idle, 15, "transactions and calls to end")
        memory.append(daemon.memory_kb())
        descriptors.append(daemon.descriptors())
    check(memory[-1] - memory[1] < 2048, f"memory grows: {memory} kB")
    check(max(descriptors) - min(descriptors) <= 2, f"descriptors: {descriptors}")
    equal(daemon.stop(), 0, "exit code")
    t.note(f"14000 calls; memory {memory} kB")
