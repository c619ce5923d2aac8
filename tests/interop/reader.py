#!/usr/bin/env python3
"""A client of the wire contract v1 that shares no code with the project.

It reads what the hubs of one agency send up, with an MQTT client and a CBOR reader of others, and
holds each message against its own table, written from docs/wire.cddl: exactly these keys, these
types, these words, in deterministic encoding. It says "subscribed" on stderr when it listens, and
prints one JSON summary when it has seen enough or the time is up. Exit 0: everything that was
expected came, and nothing was wrong. Exit 1: the summary says what was.
"""

import argparse
import datetime
import decimal
import json
import queue
import re
import sys
import time

import cbor2
import paho.mqtt.client as mqtt

I64_MAX = 2**63 - 1
U32_MAX = 2**32 - 1
MESSAGE_LEN_BYTES_MAX = 8192

IDENTITY = r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?"
LEDGER_KEY = r"[0-9a-f]{16}-[1-9][0-9]{0,18}"
WORD = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"


# --- The kinds of items: each check returns what is wrong, or None.


def text(pattern=None):
    def check(item):
        if not isinstance(item, str):
            return f"{type(item).__name__} instead of text"
        if pattern is not None and re.fullmatch(pattern, item) is None:
            return "a text of another form"
        return None

    return check


def words(*known):
    return text("|".join(re.escape(word) for word in known))


def whole(least, most):
    def check(item):
        if type(item) is not int:
            return f"{type(item).__name__} instead of a whole number"
        return None if least <= item <= most else f"not in {least} to {most}"

    return check


def exactly(kind):
    def check(item):
        if isinstance(item, kind):
            return None
        return f"{type(item).__name__} instead of {kind.__name__}"

    return check


def time_with_offset(item):
    if not isinstance(item, datetime.datetime):
        return f"{type(item).__name__} instead of a time with tag 0"
    return None if item.tzinfo is not None else "a time without an offset"


def number(item):
    if not isinstance(item, decimal.Decimal):
        return f"{type(item).__name__} instead of a decimal with tag 4"
    return None if abs(item) < 10**9 else "a number that nothing measures"


def eight_bytes(item):
    if not isinstance(item, bytes):
        return f"{type(item).__name__} instead of bytes"
    return None if len(item) == 8 else f"{len(item)} bytes instead of 8"


def or_null(inner):
    return lambda item: None if item is None else inner(item)


def list_of(inner, least=0):
    def check(item):
        if not isinstance(item, list):
            return f"{type(item).__name__} instead of a list"
        if len(item) < least:
            return f"{len(item)} items instead of {least} or more"
        return "; ".join(it for it in map(inner, item) if it is not None) or None

    return check


def absent_or(inner):
    """A key that may be left out."""

    def check(item):
        return inner(item)

    check.may_be_absent = True
    return check


def table(**keys):
    needed = [key for key, inner in keys.items() if not getattr(inner, "may_be_absent", False)]

    def check(item):
        if not isinstance(item, dict):
            return f"{type(item).__name__} instead of a map"
        problems = [f"{key} is missing" for key in needed if key not in item]
        for key, value in item.items():
            problem = keys[key](value) if key in keys else "not a key of the contract"
            if problem is not None:
                problems.append(f"{key}: {problem}")
        return "; ".join(problems) or None

    return check


# --- The contract.

VITAL = words(
    "systolic-pressure", "diastolic-pressure", "mean-arterial-pressure", "pulse-rate",
    "oxygen-saturation", "pulse-amplitude-index", "body-weight", "body-height", "body-mass-index",
    "body-temperature", "heart-rate", "respiratory-rate", "oxygen-flow", "consciousness", "body-fat",
    "body-muscle", "muscle-mass", "fat-free-mass", "soft-lean-mass", "body-water", "glucose",
)
UNIT = words(
    "mm[Hg]", "kPa", "%", "/min", "kg", "[lb_av]", "m", "[in_i]", "kg/m2", "Cel", "[degF]",
    "L/min", "{ACVPU}", "mg/dL", "mmol/L",
)
SEQUENCED = {
    "v": whole(1, 1),
    "epoch": eight_bytes,
    "seq": whole(1, I64_MAX),
    "hub": text(IDENTITY),
    "recorded_at": time_with_offset,
}
AMOUNT = table(value=number, unit=UNIT)

CLOCK = table(boot=exactly(bytes), uptime_ms=whole(-(2**63), I64_MAX), known=exactly(bool))

READING = table(
    **SEQUENCED,
    clock=absent_or(CLOCK),
    id=text(LEDGER_KEY),
    subject=or_null(text(IDENTITY)),
    subject_candidates=list_of(text(IDENTITY)),
    device=table(
        id=text(IDENTITY),
        kind=words(
            "blood-pressure-monitor", "pulse-oximeter", "weighing-scale", "thermometer",
            "heart-rate-sensor", "glucose-meter", "person",
        ),
        model=text(),
        battery=or_null(whole(0, 100)),
    ),
    kind=words(
        "blood-pressure", "oximetry", "weight", "temperature", "glucose", "heart-rate",
        "manual-observation",
    ),
    measured_at=time_with_offset,
    received_at=time_with_offset,
    time_quality=words("synced", "corrected", "estimated", "fault"),
    device_time=or_null(text()),
    values=list_of(table(vital=VITAL, value=number, unit=UNIT, code=whole(0, U32_MAX)), least=1),
    flags=list_of(text(WORD)),
    context=table(
        phase=words("resting", "before-exercise", "during-exercise", "after-exercise"),
        visit=or_null(text()),
    ),
    raw=exactly(bytes),
)

DEADLINE = table(at=time_with_offset, clock=absent_or(CLOCK))

TIMERS = table(
    repeat_by=absent_or(DEADLINE),
    waits_since=absent_or(DEADLINE),
    rung=absent_or(whole(1, U32_MAX)),
    escalated_to=absent_or(text()),
    until=absent_or(DEADLINE),
    quiet_until=absent_or(DEADLINE),
    stale=absent_or(exactly(bool)),
)

ALERT = table(
    **SEQUENCED,
    clock=absent_or(CLOCK),
    measured_clock=absent_or(CLOCK),
    alert_id=text(LEDGER_KEY),
    rev=whole(1, U32_MAX),
    state=words(
        "asked", "raised", "confirmed", "repeated", "stale", "escalated", "resumed", "acknowledged",
        "cleared", "closed",
    ),
    standing=words("pending", "active", "acknowledged", "latched", "done"),
    priority=words("high", "medium", "low"),
    category=words("clinical", "adherence", "technical"),
    rule=text(),
    plan=text(),
    plan_version=whole(1, U32_MAX),
    subject=or_null(text(IDENTITY)),
    vital=or_null(VITAL),
    value=or_null(AMOUNT),
    limit=or_null(AMOUNT),
    readings=list_of(text(LEDGER_KEY)),
    why=text(),
    measured_at=or_null(time_with_offset),
    raised_at=time_with_offset,
    cleared_at=or_null(time_with_offset),
    late=exactly(bool),
    confirmed=exactly(bool),
    count=whole(1, U32_MAX),
    by=or_null(text()),
    note=or_null(text()),
    disposition=or_null(text(WORD)),
    timers=absent_or(TIMERS),
)

EVENT = table(
    **SEQUENCED,
    clock=absent_or(CLOCK),
    kind=text(WORD),
    device=or_null(text(IDENTITY)),
    subject=or_null(text(IDENTITY)),
    text=text(),
    source=or_null(text()),
    raw=or_null(exactly(bytes)),
)

HEALTH = table(
    v=whole(1, 1),
    hub=text(IDENTITY),
    epoch=eight_bytes,
    at=time_with_offset,
    started_at=time_with_offset,
    version=text(),
    last_seq=whole(0, I64_MAX),
    unconfirmed=whole(0, I64_MAX),
    database_bytes=whole(0, I64_MAX),
    open_alerts=whole(0, I64_MAX),
    clock=absent_or(CLOCK),
    storage=absent_or(
        table(
            used_bytes=whole(0, I64_MAX),
            max_bytes=whole(0, I64_MAX),
            oldest_at=or_null(time_with_offset),
            scrubbed_at=or_null(time_with_offset),
            damaged=whole(0, I64_MAX),
        )
    ),
    agency_silent_since=absent_or(time_with_offset),
    alerts=absent_or(
        list_of(table(alert_id=text(), rev=whole(1, 2**32 - 1), standing=text(WORD)))
    ),
    devices=list_of(
        table(
            id=text(IDENTITY),
            model=text(),
            last_seen=or_null(time_with_offset),
            last_reading=or_null(time_with_offset),
            last_error=or_null(text()),
        )
    ),
)

CONTRACT = {"reading": READING, "alert": ALERT, "event": EVENT, "health": HEALTH}


# --- Deterministic encoding (RFC 8949, section 4.2.1), read from the bytes themselves.


class NotDeterministic(ValueError):
    """The bytes are another encoding than the contract asks for."""


def head(data, start):
    """Major type, argument and end of the head at `start`."""
    if len(data) <= start:
        raise NotDeterministic("the message ends too early")
    major, short = data[start] >> 5, data[start] & 0x1F
    if short < 24:
        return major, short, start + 1
    if short > 27:
        raise NotDeterministic(f"byte {start}: no definite length")
    len_bytes = 1 << (short - 24)
    end = start + 1 + len_bytes
    argument = int.from_bytes(data[start + 1 : end], "big")
    shortest = 24 if len_bytes == 1 else 1 << (4 * len_bytes)
    if major != 7 and argument < shortest:
        raise NotDeterministic(f"byte {start}: {argument} fits fewer bytes")
    return major, argument, end


def skip(data, start):
    """End of the item at `start`, which is deterministic up to there."""
    major, argument, end = head(data, start)
    if major in (2, 3):
        end += argument
        if len(data) < end:
            raise NotDeterministic("the message ends too early")
    elif major == 4:
        for _ in range(argument):
            end = skip(data, end)
    elif major == 5:
        last_key = b""
        for _ in range(argument):
            key_end = skip(data, end)
            key = data[end:key_end]
            if key <= last_key:
                raise NotDeterministic(f"byte {end}: a key stands behind a later or equal one")
            last_key = key
            end = skip(data, key_end)
    elif major == 6:
        if argument not in (0, 4):
            raise NotDeterministic(f"byte {start}: tag {argument} is not of the contract")
        end = skip(data, end)
    elif major == 7 and data[start] not in (0xF4, 0xF5, 0xF6):
        raise NotDeterministic(f"byte {start}: neither true nor false nor null")
    return end


def read(payload):
    """The message in `payload`, after a look at its encoding."""
    if skip(payload, 0) != len(payload):
        raise NotDeterministic("bytes follow the message")
    return cbor2.loads(payload)


# --- What was seen.


class Ledger:
    """Everything that came, each sequenced message once."""

    def __init__(self):
        self.payload_by_key = {}
        self.readings = []
        self.alerts = []
        self.n_events = 0
        self.n_health = 0
        self.n_repeated = 0
        self.problems = []

    def file(self, topic, payload, qos, is_retained):
        hub, channel = topic.split("/")[-3], topic.split("/")[-1]
        try:
            problem = self.look_at(hub, channel, payload, qos, is_retained)
        except (ValueError, cbor2.CBORError) as error:
            problem = str(error)
        if problem is not None:
            self.problems.append(f"{topic}: {problem}")

    def look_at(self, hub, channel, payload, qos, is_retained):
        if channel not in CONTRACT:
            return "not a topic of the contract"
        if MESSAGE_LEN_BYTES_MAX < len(payload):
            return f"{len(payload)} bytes are too many"
        if qos != 1:
            return f"QoS {qos} instead of 1"
        message = read(payload)
        problem = CONTRACT[channel](message)
        if problem is not None:
            return problem
        if message["hub"] != hub:
            return "topic and message name different hubs"
        if channel == "health":
            self.n_health += 1
            return None
        if is_retained:
            return "the broker kept a message that is not to be kept"
        return self.count(channel, message, payload)

    def count(self, channel, message, payload):
        key = (message["hub"], message["epoch"], message["seq"])
        if key in self.payload_by_key:
            self.n_repeated += 1
            is_same = self.payload_by_key[key] == (channel, payload)
            return None if is_same else f"number {key[2]} came with other bytes before"
        self.payload_by_key[key] = (channel, payload)
        if channel == "reading":
            own_key = f"{message['epoch'].hex()}-{message['seq']}"
            self.readings.append(summary_of_reading(message))
            return None if message["id"] == own_key else "the id is not its ledger key"
        if channel == "alert":
            self.alerts.append({it: message[it] for it in ("alert_id", "rule", "state", "rev")})
        if channel == "event":
            self.n_events += 1
        return None


def summary_of_reading(message):
    values = {it["vital"]: f"{it['value']} {it['unit']}" for it in message["values"]}
    return {
        "id": message["id"],
        "device": message["device"]["id"],
        "measured_at": message["measured_at"].isoformat(),
        "values": values,
    }


# --- The connection.


def listen(arguments, messages):
    """A connected client that puts each message into `messages`."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)

    def on_connect(client, _userdata, _flags, reason, _properties):
        if reason.is_failure:
            messages.put(f"the broker refused the connection: {reason}")
        else:
            client.subscribe(f"{arguments.root}/{arguments.agency}/+/up/#", qos=1)

    def on_subscribe(_client, _userdata, _mid, reasons, _properties):
        if any(reason.is_failure for reason in reasons):
            messages.put(f"the broker refused the subscription: {reasons[0]}")
        else:
            print("subscribed", file=sys.stderr, flush=True)

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = lambda _client, _userdata, message: messages.put(message)
    client.connect(arguments.host, arguments.port)
    client.loop_start()
    return client


def watch(arguments):
    """Everything that came until it was enough or too late."""
    ledger, messages = Ledger(), queue.Queue()
    deadline = time.monotonic() + arguments.timeout
    client = listen(arguments, messages)
    try:
        while not is_enough(ledger, arguments) and not ledger.problems:
            message = messages.get(timeout=max(0.0, deadline - time.monotonic()))
            if isinstance(message, str):
                ledger.problems.append(message)
            else:
                ledger.file(message.topic, message.payload, message.qos, message.retain)
    except queue.Empty:
        ledger.problems.append(
            f"{len(ledger.readings)} of {arguments.expect_readings} readings and "
            f"{len(ledger.alerts)} of {arguments.expect_alerts} alerts came in "
            f"{arguments.timeout:g} s"
        )
    finally:
        client.disconnect()
        client.loop_stop()
    return ledger


def is_enough(ledger, arguments):
    return (
        arguments.expect_readings <= len(ledger.readings)
        and arguments.expect_alerts <= len(ledger.alerts)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--root", default="vitalgate/v1")
    parser.add_argument("--agency", required=True)
    parser.add_argument("--expect-readings", type=int, default=0, metavar="N")
    parser.add_argument("--expect-alerts", type=int, default=0, metavar="N")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="S")
    arguments = parser.parse_args()
    try:
        ledger = watch(arguments)
    except OSError as error:
        print(json.dumps({"problems": [f"cannot reach the broker: {error}"]}))
        return 1
    summary = {
        "n_readings": len(ledger.readings),
        "n_alerts": len(ledger.alerts),
        "n_events": ledger.n_events,
        "n_health": ledger.n_health,
        "n_repeated": ledger.n_repeated,
        "readings": ledger.readings,
        "alerts": ledger.alerts,
        "problems": ledger.problems,
    }
    print(json.dumps(summary))
    return 1 if ledger.problems else 0


if __name__ == "__main__":
    sys.exit(main())
