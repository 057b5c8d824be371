"""See that a report says different, with a proven cause and its place: proven.py REPORT."""

import json
import sys


def main(report_file):
    with open(report_file) as file:
        report = json.load(file)
    proven = [cause for cause in report["causes"] if cause["proven"]]
    if report["verdict"] != "different" or report["first_difference"] is None or not proven:
        raise SystemExit(f"expected a difference with a proven cause, got {json.dumps(report, indent=1)}")
    print(", ".join(f"{cause['factor']} at {cause['location']}" for cause in proven))


if __name__ == "__main__":
    main(*sys.argv[1:])
