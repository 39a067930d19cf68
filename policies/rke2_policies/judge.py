"""Judging: from a machine's settings to its verdict, the same for every dialect."""

from __future__ import annotations

from rke2_policies import pin
from rke2_policies.machine import Machine


def does_not_start(machine: Machine) -> bool:
    """Decide a machine on which RKE2 does not even start; say whether it is one.

    K3s parses kube-proxy's arguments for conntrack settings at the start, also where kube-proxy is
    disabled, and fails on a flag that kube-proxy does not have (k3s-io/k3s pkg/agent/run.go
    `getConntrackConfig`).
    """
    fatal = machine.argument("kube-proxy", pin.VARIABLE)
    if fatal is not None:
        reason = f"RKE2 does not start: {pin.VARIABLE} is no flag of kube-proxy"
        machine.decide("broken", reason, fatal.text, fatal.place)
    return fatal is not None


def uses_nftables(machine: Machine) -> bool:
    """Decide a machine whose kube-proxy uses nftables natively; say whether it is one."""
    mode = machine.argument("kube-proxy", "proxy-mode")
    if mode is None or mode.setting != "nftables":
        return False
    reason = "proxy-mode=nftables: kube-proxy uses nftables natively"
    machine.decide("not-applicable", reason, by=mode.place)
    return True


def by_the_pin(machine: Machine, *, open: bool, unclear: str) -> None:
    """Decide a machine by its kube-proxy environment.

    `open`: a template may say more than the text shows. `unclear`: why nothing certain can be said
    of a machine without the pin; "" where that is certain.
    """
    setting, reading = machine.environment, machine.reading
    by = reading.entry.place if reading.entry else None
    match reading.verdict:
        case "pinned":
            machine.decide("pinned", f"{setting.said[-1].by} says so", reading.value, by)
        case "other" if machine.pin.other == "legacy":
            machine.decide("legacy", f"{pin.VARIABLE} is legacy", reading.value, by)
        case "other":
            # Its policy says that its hosts know nothing else than legacy.
            reason = f"{pin.VARIABLE} is {machine.pin.other}, and {machine.pin.backend} is wanted"
            machine.decide("broken", reason, reading.value, by)
        case "broken":
            reason = f"kube-proxy's iptables fail with {pin.VARIABLE}={reading.value}"
            machine.decide("broken", reason, reading.value, by)
        case "unknown":
            machine.decide("unknown", "the value is templated", reading.value, by)
        case _:
            reason = _why_unpinned(machine)
            by = by or (setting.place.key if setting.place else None)
            if open:
                machine.decide("unknown", f"{reason} here, but a template may", reading.value, by)
            elif unclear:
                machine.decide("unknown", f"{reason}, and {unclear}", reading.value, by)
            else:
                machine.decide("unpinned", reason, reading.value, by)


def _why_unpinned(machine: Machine) -> str:
    setting, loss = machine.environment, machine.loss
    if not setting.said:
        return f"nothing sets {pin.KEY}"
    if loss is not None:
        kept, taker = loss
        return f"{taker.by} replaces the {pin.KEY} of {kept.by}"
    if setting.dropped:
        return f"{setting.said[-1].by} sets {pin.KEY}, but {setting.dropped}"
    return f"{setting.said[-1].by} sets {pin.KEY} without {pin.VARIABLE}"
