//! Reasons of refusals: stable codes, and what to do about each, in the portal's languages.

use serde::Serialize;

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Stable code for programs.
    pub code: &'static str,
    /// What it means and what to do, in Chinese.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
}

/// No rule speaks of such a call.
pub const NO_RULE: Reason = Reason {
    code: "no_rule",
    zh: "没有规则允许此操作：请联系数据主管部门",
    en: "No rule allows this: ask the data authority",
};

/// The call's parameters name rows that its grant does not reach: the grant says so itself, no rule.
pub const OUTSIDE_SCOPE: Reason = reason(
    "outside_scope",
    "查询参数超出授权的数据范围：请按授权范围填写参数，或申请变更范围",
    "The parameters name data outside the grant's scope: keep to the granted values, or request a grant that includes these",
);

const fn reason(code: &'static str, zh: &'static str, en: &'static str) -> Reason {
    Reason { code, zh, en }
}

/// Every reason that a rule can name.
pub const REASONS: &[Reason] = &[
    NO_RULE,
    OUTSIDE_SCOPE,
    reason(
        "no_grant",
        "尚无该数据的授权：请提出申请，由提供部门审批",
        "There is no grant for this entry: request one and let the provider approve it",
    ),
    reason(
        "grant_requested",
        "授权申请尚未审批：请等待提供部门审批",
        "The grant is requested but not decided: wait for the provider's reviewer",
    ),
    reason(
        "grant_denied",
        "授权申请已被拒绝：请查看理由，必要时重新申请",
        "The grant was denied: read the reason and request again if the matter still needs it",
    ),
    reason(
        "grant_revoked",
        "授权已撤销：如仍需要请重新申请",
        "The grant was revoked: request a new one if the matter still needs it",
    ),
    reason(
        "grant_suspended",
        "授权已暂停：请查看暂停理由，待提供部门或数据主管部门恢复",
        "The grant is suspended: read the reason, and wait until its provider or the data authority lets it go on",
    ),
    reason(
        "grant_replaced",
        "授权已由续期或变更后的授权取代：请使用新的授权",
        "A renewed or changed grant came in the place of this one: use that one",
    ),
    reason(
        "grant_expired",
        "授权已到期：如仍需要请重新申请",
        "The grant has expired: request a new one if the matter still needs it",
    ),
    reason(
        "purpose_mismatch",
        "用途与授权不一致：请按授权的用途查询，或为新用途另行申请",
        "The purpose is not the granted one: state the granted purpose, or request a grant for this one",
    ),
    reason(
        "item_not_granted",
        "请求了未获授权或授权已到期的信息项：请只查询已授权的信息项，或申请增加",
        "An item is not granted, or its term is over: ask for granted items only, or request a grant that includes it",
    ),
    reason(
        "zone_not_allowed",
        "来源网络区域不在授权范围内：请从授权的网络区域访问",
        "The call comes from a network zone outside the grant: call from the granted zone",
    ),
    reason(
        "outside_hours",
        "不在授权的时段内：请在授权时段内访问",
        "The call comes outside the granted hours: call within them",
    ),
    reason(
        "not_shared",
        "该数据不予共享：请联系提供部门或数据主管部门",
        "This entry is not shared with anyone: speak to its provider or to the data authority",
    ),
    reason(
        "entry_unknown",
        "目录中没有已发布的该条目：请核对名称",
        "The catalog has no such published entry: check its name",
    ),
    reason(
        "entry_withdrawn",
        "该目录条目已撤回：请查看其替代条目",
        "The entry is withdrawn: look for its successor in the catalog",
    ),
    reason(
        "entry_deprecated",
        "该目录条目已停止受理新申请：请使用其替代条目",
        "The entry is deprecated: use its successor",
    ),
    reason("no_grant_needed", "该数据无条件共享：可直接查询", "The entry is shared unconditionally: query it at once"),
    reason(
        "own_entry",
        "这是本部门提供的数据：无需申请授权",
        "Your own department provides this entry: it needs no grant",
    ),
    reason(
        "role_not_allowed",
        "您的角色不能执行此操作：请由相应角色的人员办理",
        "Your role may not do this: ask a colleague who has the role for it",
    ),
    reason(
        "own_request",
        "不能审批本人起草或提出的事项：请由另一人审批",
        "You drafted or requested this yourself: a second person must decide",
    ),
    reason(
        "foreign_department",
        "该事项属于其他部门：请由该部门办理",
        "This belongs to another department: that department must act",
    ),
    reason(
        "grant_not_requested",
        "该授权申请已经处理：请刷新页面查看其状态",
        "The grant is no longer waiting for a decision: look at its state",
    ),
    reason("grant_ended", "该授权已经终止：无需撤销", "The grant has ended already: there is nothing to revoke"),
    reason(
        "grant_not_active",
        "该授权不在生效中，不能暂停：请查看其状态",
        "The grant is not in force, so it cannot be suspended: look at its state",
    ),
    reason(
        "grant_not_suspended",
        "该授权未被暂停，无需恢复：请查看其状态",
        "The grant is not suspended: there is nothing to resume",
    ),
    reason(
        "grant_not_denied",
        "只有未获同意的申请可以申诉：请查看其状态",
        "Only a refused request can be appealed against: look at its state",
    ),
    reason(
        "grant_not_appealed",
        "该申请没有待裁决的申诉：请查看其状态",
        "No appeal against this refusal waits for a ruling: look at its state",
    ),
    reason(
        "bureau_only",
        "申诉由数据主管部门裁决：请等待其裁决",
        "The data authority rules on appeals: wait for its ruling",
    ),
    reason(
        "auditor_only",
        "只有审计部门可以查看被查询对象",
        "Only the auditing department may open the subject of an access",
    ),
    reason(
        "authority_only",
        "只有数据主管部门可以制定规则：请向其提出建议",
        "Only the data authority sets rules: propose the change to it",
    ),
];

/// The reason of a code.
pub fn of_code(code: &str) -> Option<Reason> {
    REASONS.iter().find(|reason| reason.code == code).copied()
}
