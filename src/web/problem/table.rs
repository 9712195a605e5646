//! The one table of problems: a stable code, its HTTP status, its title and what to do, in both languages.

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// For programs; never changes.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Short, English and Chinese.
    pub title: (&'static str, &'static str),
    /// What to do, English and Chinese, when the case itself says nothing better.
    pub advice: (&'static str, &'static str),
}

macro_rules! kinds {
    ($($code:literal $status:literal $title:literal $title_zh:literal $advice:literal $advice_zh:literal;)*) => {
        &[$(Kind { code: $code, status: $status, title: ($title, $title_zh), advice: ($advice, $advice_zh) },)*]
    };
}

/// Every kind, by status.
pub const KINDS: &[Kind] = kinds! {
    "malformed" 400 "Malformed request" "请求格式错误" "correct the request" "请更正请求";
    "malformed_json" 400 "Not JSON" "不是有效的 JSON" "send valid JSON in UTF-8" "请发送 UTF-8 编码的有效 JSON";
    "invalid_parameter" 400 "Unacceptable parameter" "参数不可接受" "correct the parameter" "请更正路径或查询参数";
    "invalid_idempotency_key" 400 "Unacceptable Idempotency-Key" "幂等键不可接受" "send 1 to 128 visible ASCII characters" "请使用 1 至 128 个可见 ASCII 字符";
    "wait_not_offered" 400 "Unknown kind of waiting" "不支持的等待方式" "wait=committed, wait=projected or, for writes to the ledger, wait=anchored" "可用 wait=committed、wait=projected；写入账本时还可用 wait=anchored";
    "not_authenticated" 401 "Not authenticated" "未认证" "sign in, or send a valid token of this department in Authorization" "请登录，或在 Authorization 中发送本部门的有效令牌";
    "wrong_password" 401 "Wrong user or password" "用户名或密码错误" "check user and password" "请核对用户名和密码";
    "code_needed" 401 "A code is needed" "需要动态验证码" "send the code of the account's second factor with user and password" "请在用户名和密码之外发送第二因素的动态验证码";
    "wrong_code" 401 "Wrong code" "动态验证码错误" "wait for the next code and send that" "请等待下一个验证码后重试";
    "sign_in_expired" 401 "Sign-in took too long" "登录已超时" "sign in again" "请重新登录";
    "refused" 403 "Refused" "已拒绝" "see reasons" "请查看 reasons";
    "not_allowed" 403 "Not allowed" "不允许" "ask a person who may do this" "请由有权限的人员办理";
    "account_disabled" 403 "Account rests" "账号已停用" "ask your department's administrator" "请联系本部门管理员";
    "own_account" 403 "Another administrator does this" "须由另一名管理员办理" "another administrator, or the operator with mulu account, changes your account" "请由另一名管理员办理，或由运维使用 mulu account";
    "password_change_needed" 403 "Password must be changed" "须先修改密码" "sign in at the portal and choose a password of your own" "请登录门户并设置自己的密码";
    "second_factor_needed" 403 "Second factor must be set up" "须先设置第二因素" "sign in at the portal and set up a second factor" "请登录门户并设置动态验证码";
    "not_the_authority" 403 "For the authority to do" "须由主管部门办理" "an administrator of the authority does this, at the authority's node" "请由主管部门的管理员在其节点上办理";
    "not_the_auditor" 403 "For the auditing department to do" "须由审计部门办理" "an administrator of the auditing department does this, at its node" "请由审计部门的管理员在其节点上办理";
    "own_request" 403 "A second person is needed" "须由他人审批" "the person who drafted or asked may not approve: ask a second person" "起草人或申请人不得自行审批，请由他人审批";
    "signature_invalid" 403 "Signature does not fit" "签名不符" "tell your operator: the node's key is not the one on the ledger" "请联系运维：节点密钥与账本登记的不一致";
    "key_revoked" 403 "Signing key is revoked" "签名密钥已吊销" "the department needs a new key: rotate it, or have other departments endorse one" "本部门须更换密钥：请轮换密钥，或由其他部门背书新密钥";
    "key_expired" 403 "Signing key has ended" "签名密钥已失效" "the department needs a new key: rotate in time, or have other departments endorse one" "本部门须更换密钥：请及时轮换，或由其他部门背书新密钥";
    "token_scope" 403 "Token is not good for this entry" "令牌不适用于该接口" "ask your administrator for a token that is" "请向管理员申请适用的令牌";
    "token_elsewhere" 403 "Token is not good from there" "令牌不能从该地址使用" "call from one of the token's addresses, or ask your administrator" "请从令牌登记的地址调用，或联系管理员";
    "csrf" 403 "Token against forged requests is missing" "缺少防伪造令牌" "send the session's token in X-CSRF-Token" "请在 X-CSRF-Token 中发送会话的防伪造令牌";
    "not_found" 404 "Not found" "未找到" "check the address and the id" "请核对地址和标识";
    "unknown" 404 "Not found" "未找到" "check the id" "请核对标识";
    "unknown_entry" 404 "Unknown entry" "目录中没有该条目" "look the entry up in the catalog" "请在目录中查找该条目";
    "method_not_allowed" 405 "Method not allowed" "方法不允许" "use a method named in Allow" "请使用 Allow 中列出的方法";
    "not_acceptable" 406 "Not acceptable" "无法按要求的格式提供" "accept application/json" "请接受 application/json";
    "request_timeout" 408 "Body came too slowly" "请求体到达过慢" "send the whole body within 15 seconds" "请在 15 秒内发送完整请求体";
    "conflict" 409 "Conflict" "状态冲突" "look at the present state first" "请先查看当前状态";
    "upgrade_first" 409 "Not every node is ready" "并非所有节点都已就绪" "upgrade the nodes named, or start them" "请先升级或启动所列节点";
    "edition_needed" 409 "The ledger does not know this yet" "账本版次不支持此操作" "the authority raises the edition when every node is upgraded: mulu edition --raise" "所有节点升级后由主管部门提升账本版次：mulu edition --raise";
    "not_replayable" 409 "Decision cannot be made again" "无法重新作出该决定" "detail says what is missing" "请查看 detail 了解缺少的内容";
    "repeated" 409 "Repeated" "重复提交" "the first outcome stands" "以首次结果为准";
    "id_reused" 409 "Id used for something else" "标识已用于其他内容" "send a new id" "请使用新的标识";
    "id_time" 409 "Id's time is off" "标识时间偏差过大" "correct the clock and send a new id" "请校正时钟并使用新的标识";
    "would_lose_quorum" 409 "The ledger would lose its majority" "将失去多数表决节点" "bring the voters' nodes back first" "请先恢复表决节点";
    "not_caught_up" 409 "Node has not caught up" "节点尚未追上" "wait until it has" "请等待该节点同步完成";
    "change_under_way" 409 "A change of members is under way" "成员变更正在进行" "wait until it is done" "请等待当前变更完成";
    "number_used" 409 "Node number was used" "节点编号已被使用" "take a new number" "请使用新的编号";
    "no_node" 409 "Department has no node" "该部门没有节点" "admit its node first" "请先接纳其节点";
    "last_voter" 409 "It is the only voter" "唯一的表决节点" "give others a vote first" "请先设定其他表决部门";
    "password_unfit" 409 "Password is not acceptable" "密码不符合要求" "choose 8 to 128 characters, neither the old password nor the account's name" "请使用 8 至 128 个字符，不得与旧密码或用户名相同";
    "last_admin" 409 "Last administrator" "最后一名管理员" "make another administrator first" "请先设置另一名管理员";
    "version_conflict" 409 "Version is not current" "版本不是现行版本" "use the current version" "请使用现行版本";
    "version_not_higher" 409 "Version must rise" "版本号须递增" "give the draft a higher version" "请为草稿指定更高的版本号";
    "code_taken" 409 "Resource code is taken" "信息资源代码已被占用" "leave the code out, and a free one is given" "请将代码留空，由系统生成";
    "draft_not_submitted" 409 "Draft is not submitted" "草稿尚未提交" "its author must submit it first" "请先由起草人提交";
    "replayed_request" 409 "Repeated access id" "访问标识重复" "send a new call" "请重新发起请求";
    "workflow_not_published" 409 "Workflow is not published" "事项流程尚未发布" "a reviewer of this department publishes it first" "请先由本部门审核人发布该事项流程";
    "certificate_type_unpublished" 409 "Type of certificates is not published" "证照类型尚未发布" "a reviewer of the issuer publishes it first" "请颁发机构复核员先发布该证照类型";
    "certificate_without_copy" 409 "There is no copy" "没有持证人副本" "issue its next version: that one has copies" "请办理变更，新版本证照可出具副本";
    "idempotency_key_reused" 409 "Idempotency-Key used for something else" "幂等键已用于其他请求" "send a new key for a new request" "新的请求请使用新的幂等键";
    "idempotency_in_progress" 409 "The same request is being done" "相同请求正在处理" "ask again in a moment" "请稍后再试";
    "idempotency_replayed_query" 409 "The query was answered" "该查询已答复" "answers are not kept: see the access record named in access_id, or send a new key" "查询结果不予留存：请按 access_id 查看访问记录，或使用新的幂等键";
    "batch_full" 413 "Not asked: the batch is full" "未查询：批量答复已满" "ask for this subject in another call; nothing was recorded for it" "请在另一次请求中查询该对象；本次未产生访问记录";
    "too_large" 413 "Too large" "内容过大" "send less" "请减小内容";
    "unsupported_media_type" 415 "Not application/json" "内容类型不是 application/json" "send Content-Type: application/json without compression" "请使用 Content-Type: application/json，且不要压缩";
    "unprocessable" 422 "Does not fit the schema" "不符合模式" "correct the places named in errors" "请更正 errors 中指出的各处";
    "beyond_the_ledger" 422 "The ledger does not reach so far" "账本尚未到达该位置" "ask for the index that your write answered with" "请使用写入答复中的 ledger_index";
    "invalid" 422 "Unacceptable value" "值不可接受" "correct the value" "请更正该值";
    "account_locked" 429 "Account is locked" "账号已锁定" "wait, then try again" "请稍后再试";
    "too_many_questions" 429 "Too many questions" "查询过于频繁" "wait as long as Retry-After says" "请按 Retry-After 所示时间后再试";
    "quota_exceeded" 429 "Daily quota used up" "当日配额已用完" "try again after midnight at UTC+8" "请在次日零时（北京时间）后再试";
    "rate_exceeded" 429 "Rate of the grant used up" "已达授权的查询频率上限" "try again in the next second or minute" "请在下一秒或下一分钟再试";
    "internal" 500 "Internal fault" "内部错误" "tell your operator the request_id" "请将 request_id 告知运维人员";
    "provider_unreachable" 502 "Provider cannot be reached" "无法连接提供方" "try again later" "请稍后再试";
    "provider_certificate" 502 "Provider's certificate is wrong" "提供方证书有误" "tell your operator" "请联系运维";
    "provider_answer_invalid" 502 "Provider's answer is not acceptable" "提供方的答复不可接受" "tell the provider's operator" "请联系提供方运维";
    "provider_data_unavailable" 502 "Provider's data source is down" "提供方数据源不可用" "try again later; the access stands in the audit" "请稍后再试；该次访问已留痕";
    "provider_data_overloaded" 502 "Provider's data source is overloaded" "提供方数据源过载" "try again in a moment; the access stands in the audit" "请稍后再试；该次访问已留痕";
    "provider_data_resting" 502 "Provider's data source is left alone" "提供方数据源熔断中" "it failed repeatedly: try again after the time in Retry-After; the access stands in the audit" "数据源连续失败，请按 Retry-After 所示时间后再试；该次访问已留痕";
    "provider_connector_broken" 502 "Provider's connector does not work" "提供方连接器配置有误" "tell the provider's operator, who runs mulu connector test; the access stands in the audit" "请联系提供方运维（mulu connector test）；该次访问已留痕";
    "provider_failed" 502 "Provider failed" "提供方故障" "tell the provider's operator; the access stands in the audit" "请联系提供方运维；该次访问已留痕";
    "no_quorum" 503 "Ledger cannot be written" "账本暂不可写" "the change may still come to pass: look before you repeat it" "变更仍可能生效，重试前请先查看";
    "ledger_busy" 503 "Ledger is busy" "账本繁忙" "try again" "请重试";
    "outbox_full" 503 "Accesses cannot be recorded" "访问记录暂无法留痕" "try again when the ledger has a quorum" "请在账本恢复多数后再试";
    "disk_full" 503 "Disk of this node is full" "本节点磁盘已满" "nothing new is written until this node's operator has made room; the other departments' nodes go on" "磁盘腾出空间之前，本节点不写入新内容，请运维处理；其他部门的节点不受影响";
    "archived" 503 "Archived" "已归档" "this node's operator must mount the archive" "请本节点运维挂载归档后再试";
    "halted" 503 "Node stands still" "节点已停止服务" "this node has evidence of a falsehood: its operator must look at it" "本节点发现账本证据矛盾，请运维查看";
    "busy" 503 "Busy" "繁忙" "try again in a moment" "请稍后再试";
    "clock_skew" 503 "Clocks differ" "时钟不一致" "the operator must correct this node's clock" "请运维校正本节点时钟";
    "store_full" 503 "Store is full" "存储已满" "tell your operator" "请联系运维";
    "database_busy" 503 "Database is busy" "数据库繁忙" "try again" "请重试";
    "database_unreachable" 503 "Listings are away" "列表暂不可用" "this node's operator must look at its PostgreSQL server; the ledger and queries go on, and the other departments' nodes" "请本节点运维检查 PostgreSQL 服务；账本、数据查询及其他部门的节点不受影响";
    "not_cosigned_yet" 503 "Not cosigned yet" "尚未联署" "try again in a moment" "请稍后再试";
    "not_yet_projected" 503 "Not yet projected" "尚未同步到该位置" "try again in a moment" "请稍后再试";
    "unavailable" 503 "Unavailable" "暂不可用" "try again later" "请稍后再试";
    "provider_late" 504 "Provider is late" "提供方超时" "try again later" "请稍后再试";
    "provider_data_late" 504 "Provider's data source is late" "提供方数据源超时" "try again later; the access stands in the audit" "请稍后再试；该次访问已留痕";
};

/// The kind of a code, if the table has it.
pub fn kind(code: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::http::StatusCode;

    use super::*;

    #[test]
    fn every_kind_is_whole_and_stands_once() {
        let codes: BTreeSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len(), "a code stands twice");
        let mut before = 400;
        for kind in KINDS {
            let Kind { code, status, title, advice } = kind;
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
            assert!((400..600).contains(status) && StatusCode::from_u16(*status).is_ok(), "{code}: {status}");
            assert!(*status >= before, "{code} stands out of order");
            before = *status;
            for text in [title.0, advice.0] {
                assert!(!text.is_empty() && text.is_ascii(), "{code}: {text:?}");
            }
            for text in [title.1, advice.1] {
                assert!(text.chars().any(|c| ('一'..='鿿').contains(&c)), "{code}: {text:?} is not Chinese");
            }
        }
    }

    #[test]
    fn only_our_own_faults_are_500() {
        let faults: Vec<&str> = KINDS.iter().filter(|kind| kind.status == 500).map(|kind| kind.code).collect();
        assert_eq!(faults, ["internal"]);
    }
}
