### The audit in numbers, and as a file

audit-numbers = Audit in numbers
audit-numbers-lead = How often which department looked at whose data, by calendar day, Beijing time.
audit-numbers-none = No access in this time.
audit-show = Show the numbers
audit-days = Accesses by day
audit-table = The same as a table
audit-matrix = Who looked at whose data
audit-matrix-hint = Departments of the rows asked, those of the columns provided. The darker a field, the more accesses. Each number leads to its accesses.
audit-reasons = Why accesses were refused
audit-reasons-none = Nothing was refused.
audit-standing-out = Days that stand out
audit-standing-out-rule = A day of a department, or of one person or system, stands out with at least 50 accesses and more than 3 times the median of the 28 days before it, on which quiet days count as nought. That is a reason to look, not a reproach.
audit-standing-out-none = No day stands out.
audit-median = Median before
audit-whole-department = The whole department
audit-accesses = Accesses
audit-day = Day
audit-export = Take these accesses out:
audit-export-hint = At most 10,000, the newest. Who takes them out is written down.
audit-cut = { $count ->
    [one] There are more: the file ends after 1 access. Narrow the filters.
   *[other] There are more: the file ends after { $count } accesses. Narrow the filters.
}
audit-trace = Who looked at this subject's data
audit-trace-last = Last time
audit-operator-example = account or system
list-comma = { ", " }
