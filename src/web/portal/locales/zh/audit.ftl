### 审计统计与导出

audit-numbers = 审计统计
audit-numbers-lead = 按自然日（北京时间）统计各部门查询他方数据的次数。
audit-numbers-none = 此期间没有查询。
audit-show = 查看统计
audit-days = 每日查询次数
audit-table = 以表格显示
audit-matrix = 部门之间的查询
audit-matrix-hint = 行为查询部门，列为提供部门；颜色越深，次数越多。点击数字查看对应的查询记录。
audit-reasons = 拒绝原因
audit-reasons-none = 此期间没有被拒绝的查询。
audit-standing-out = 异常访问量
audit-standing-out-rule = 某部门、某人员或某系统一日的查询不少于 50 次，且超过此前 28 日中位数的 3 倍（无查询的日子按零计），即列于此。这是核查的线索，不是结论。
audit-standing-out-none = 没有异常的日子。
audit-median = 此前中位数
audit-whole-department = 部门合计
audit-accesses = 查询次数
audit-day = 日期
audit-export = 导出这些记录：
audit-export-hint = 最多 10,000 条，取最新的。导出行为会被记录。
audit-cut = 还有更多记录：本文件只含前 { $count } 条，请缩小筛选范围。
audit-trace = 谁查询过该主体的数据
audit-trace-last = 最近一次
audit-operator-example = 账号或系统
list-comma = 、
