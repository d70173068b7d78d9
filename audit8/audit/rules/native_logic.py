"""stub"""
from audit8.audit.rules.native_model import Unit
from audit8.audit.rules.native_report import Report
def check_logic(unit: Unit, report: Report) -> None:
    return
