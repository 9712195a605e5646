### 操作提示与填写提示

colon = ：
flash-draft_saved = 草稿已保存。
flash-draft_submitted = 已提交审核，请由另一名审核人审核。
flash-draft_approved = 审核通过，条目已上链发布。
flash-draft_rejected = 已退回编制人修改。
flash-entry_deprecated = 条目已停用。
flash-entry_withdrawn = 条目已撤回。
flash-grant_requested = 申请已提交，等待提供部门审批。
flash-grant_approved = 授权已批准，即时生效。
flash-grant_denied = 已答复不予同意。
flash-grant_revoked = 授权已撤销，即时生效。
flash-case_opened = 办件已受理，数据已调取。
flash-case_signed = 会签意见已提交。
flash-certificate_issued = 电子证照已签发。
flash-certificate_changed = 证照状态已变更。
flash-signed_out = 您已退出登录。

fault-required = 必填。
fault-too_long = 内容过长。
fault-bad_name = 只能用小写英文字母、数字和连字符（信息项用下划线），以字母开头。
fault-bad_version = 请填写主版本号.次版本号，例如 1.0。
fault-bad_date = 请按 2026-01-31 的格式填写有效日期。
fault-past_date = 日期已过，请填写今天以后的日期。
fault-bad_number = 请填写有效的整数。
fault-bad_hours = 请填写 0 至 24 的整点，开始须早于结束。
fault-bad_code = 代码格式不正确。
fault-bad_digest = 须为 64 位十六进制摘要值。
fault-bad_scope = 每行写一个参数或信息项，例如 district = 海淀区, 东城区。
fault-bad_entry = 请填写“部门/条目标识”。
fault-no_items = 请至少选择或填写一项。
fault-repeated = 标识重复。
fault-wider = 不能超出申请的范围。
fault-not_offered = 所选内容不在可选范围内。
fault-bad_value = 内容不符合要求，请核对校验位和格式。
fault-need_grant = 无可用授权，请先申请。
flash-members_changed = 变更已写入账本并已完成。
flash-members_changing = 变更已写入账本；下方显示其等待的事项。
flash-keys_rotated = 新密钥已上账本；旧签名密钥将在十分钟后失效。
flash-key_revoked = 密钥已吊销。
fault-bad_parent = 须为上一级目录中已发布的条目。
fault-bad_range = 须写作 最小值..最大值，可省略一端，仅限数值和日期。
fault-number_untold = 是数字代码，请说明其含义，或填写文字。
