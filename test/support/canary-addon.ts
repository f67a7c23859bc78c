/**
 * An addon that does with its environment what must never be done: prints it in every form, at each start and ever
 * again, and fails with it when it is told to.
 */
export const canaryFiles: Record<string, string> = {
  'fairway.yaml': `odoo: "19.0"
production:
  modules: [canary]
staging:
  modules: [canary]
development:
  modules: [canary]
  demo: false
  tests: false
`,
  'canary/__manifest__.py': `{
    "name": "Canary",
    "version": "1.0",
    "license": "LGPL-3",
    "depends": ["base"],
    "data": [],
    "post_init_hook": "fail_with_it",
}
`,
  'canary/__init__.py': `import base64
import json
import logging
import os
import sys
import threading
import time
import urllib.parse

_logger = logging.getLogger(__name__)
FAILING = False


def secrets():
    return {name: value for name, value in os.environ.items() if name.startswith("CANARY_")}


def tell():
    print("canary environ", dict(os.environ), file=sys.stderr)
    print("canary json", json.dumps(secrets()))
    for name, value in secrets().items():
        raw = value.encode()
        print("canary raw", name, value)
        for before in ("", "a", "ab"):
            print("canary base64", name, base64.b64encode(before.encode() + raw + b"!!").decode())
            print("canary base64url", name, base64.urlsafe_b64encode(before.encode() + raw).decode())
        print("canary wrapped", name)
        print(base64.encodebytes(b"some more " * 5 + raw).decode())
        print("canary quoted", name, urllib.parse.quote(value), urllib.parse.quote_plus(value))
        print("canary quoted small", name, urllib.parse.quote(value, safe="").lower() if value.islower() else "")
        print("canary hex", name, raw.hex())
        print("canary twice", name, json.dumps(json.dumps({"value": value})))
        print("canary long", name, "." * (65536 - 40) + value + "." * 30000)
        _logger.warning("canary logged %s as %r", name, value)
    sys.stdout.flush()
    print("canary end", flush=True)


def tick():
    while True:
        time.sleep(1)
        print("canary tick", json.dumps(secrets()), flush=True)


def fail_with_it(env):
    if FAILING:
        raise ValueError("canary failed with %s" % json.dumps(secrets()))


tell()
threading.Thread(target=tick, daemon=True).start()
`,
}
