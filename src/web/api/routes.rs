//! Every route of the API, in one list: it is what the server registers and what `/openapi.json` describes.
#![cfg_attr(rustfmt, rustfmt_skip)]

use actix_web::web::{delete, get, post, put};

use super::operation::Operation;
use super::views::Written;
use super::views::{accounts as account_views, tokens as token_views};
use super::views::{admin as admin_views, audit as audit_views, catalog as catalog_views, cases as case_views};
use super::views::catalog_files as file_views;
use super::views::catalog_places as place_views;
use super::views::{certificates as certificate_views, city as city_views, grant_templates as template_views, grants as grant_views};
use super::views::keys as key_views;
use super::views::membership as membership_views;
use super::views::policy as policy_views;
use super::views::settings as settings_views;
use super::views::{ledger as ledger_views, sessions as session_views};
use super::listing::{Fresh, Paged};
use super::query_batch;
use super::{accounts, admin, audit, backup, cases, catalog, catalog_files, certificates, city, grant_templates, grants, keys, ledger, membership, policy, queries, sessions, settings, tokens};

const GRANT: &str = r#"{"entry":"public-security/household-registration","purpose":"marriage-registration","legal_basis":"婚姻登记条例第七条","matter":"结婚登记","items":["name","id_number"],"daily_max":200,"valid_until":"2027-12-31T00:00:00Z"}"#;
const APPROVAL: &str = r#"{"items":["name",{"name":"id_number","masking":"id_number"}],"daily_max":100}"#;
const QUERY: &str = r#"{"purpose":"marriage-registration","cause":"结婚登记窗口核验","case_id":"M-2026-0001","params":{"id_number":"110101199003070011"},"items":["name"]}"#;
const QUERY_BATCH: &str = r#"{"purpose":"marriage-registration","cause":"结婚登记窗口核验","items":["name"],"subjects":[{"id_number":"110101199003070011"},{"id_number":"110101199203072522"}]}"#;
const EXPLAIN: &str = r#"{"entry":"public-security/household-registration","purpose":"marriage-registration","items":["name"]}"#;
const CASE: &str = r#"{"workflow":"real-estate-transfer","params":{"unit_number":"110105001001GB00001F00010001"}}"#;
const PREPARATION: &str = r#"{"type":"work-permit","operation":"new","holder":{"code":"110101199003070011","name":"李娜"},"fields":{"trade":"电工"}}"#;
const POLICY: &str = r#"{"model":"[request_definition]\nr = action, role, ...","rules":"read, catalog.read, *, *, *, *, *, *, *, *, *, *, *, allow, -"}"#;
const PROPOSAL: &str = r#"{"model":"[request_definition]\nr = action, role, ...","rules":"read, catalog.read, *, *, *, *, *, *, *, *, *, *, *, allow, -","note":"systems may read the catalog"}"#;
const REASON: &str = r#"{"reason":"matter closed"}"#;
const ENDING: &str = r#"{"reason":"replaced by a better interface","successor":"water/water-account"}"#;

const ACCOUNT: &str = r#"{"user":"li.na","display":"李娜","roles":["clerk"]}"#;
const TOKEN: &str = r#"{"system":"marriage-desk","expires":"2027-12-31T15:59:59Z","entries":["public-security/household-registration"],"sources":["10.20.0.7"]}"#;
const SETTINGS: &str = r#"{"version":0,"second_factor":"offered","idle_minutes":20,"age_minutes":480,"contact":{"desk":{"zh":"数据共享服务台","en":"Data sharing desk"},"telephone":"010-5555 0100","hours":{"zh":"工作日 9:00–17:00","en":"Working days 9:00–17:00"}},"notice":{"text":{"zh":"周六 8:00 起维护两小时。","en":"Maintenance on Saturday from 8:00 for two hours."},"until":null},"language":"zh"}"#;
const DIGEST: &str = r#"{"digest":"66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0","label":"2026-17, annex 3","kind":"case-papers"}"#;
const NEWCOMER: &str = r#"{"id":"water","name":{"zh":"市水务局","en":"Water Authority"},"uscc":"11110000Y900001154","signing_key":"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=","sealing_key":"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=","node_id":14}"#;
const PLACE: &str = r#"{"raft":"water.city.example:8614","peer":"water.city.example:8514"}"#;
const ENDORSEMENT: &str = r#"{"department":"tax","signing":{"key":"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=","possession":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="},"reason":"their disk burnt; shown in person"}"#;

/// The list.
pub const OPERATIONS: &[Operation] = &[
    // Who calls.
    Operation::post("/sessions", "openSession", || post().to(sessions::open), "Sign in with user and password, and the code of a second factor where the account has one").public()
        .body("session", r#"{"user":"li.na","password":"..."}"#).answers::<session_views::SessionOpened>(201),
    Operation::get("/sessions/current", "showSession", || get().to(sessions::show), "Who is calling")
        .answers::<session_views::Myself>(200),
    Operation::delete("/sessions/current", "closeSession", || delete().to(sessions::close), "Sign out").answers_nothing(),

    // The catalog and its drafts.
    Operation::get("/catalog/entries", "listEntries", || get().to(catalog::list), "Search the catalog: the most fitting entries first, with facets; without q, by name")
        .query::<catalog::Search>().answers::<super::views::catalog_list::EntryList>(200),
    Operation::post("/catalog/entries", "draftEntry", || post().to(catalog::draft), "Draft an entry, or word a draft anew (clerk of the provider)")
        .body("catalog-entry", "").answers::<catalog_views::DraftAnswer>(201),
    Operation::get("/catalog/entries/{provider}/{name}", "showEntry", || get().to(catalog::show), "One entry in full")
        .query::<catalog::Which>().answers::<catalog_views::EntryDetail>(200),
    Operation::post("/catalog/entries/{provider}/{name}/submit", "submitEntry", || post().to(catalog::submit), "Submit a draft (clerk of the provider)")
        .body("empty", "{}").answers::<catalog_views::DraftAnswer>(200),
    Operation::post("/catalog/entries/{provider}/{name}/approve", "approveEntry", || post().to(catalog::approve), "Approve and publish a submitted draft (reviewer of the provider, never the author)")
        .body("empty", "{}").answers::<catalog_views::Published>(200),
    Operation::post("/catalog/entries/{provider}/{name}/reject", "rejectEntry", || post().to(catalog::reject), "Send a submitted draft back (reviewer of the provider)")
        .body("reason", REASON).answers::<catalog_views::DraftAnswer>(200),
    Operation::post("/catalog/entries/{provider}/{name}/deprecate", "deprecateEntry", || post().to(catalog::deprecate), "Point users to something better (reviewer of the provider)")
        .body("ending", ENDING).answers::<Written>(200),
    Operation::post("/catalog/entries/{provider}/{name}/withdraw", "withdrawEntry", || post().to(catalog::withdraw), "End an entry (reviewer of the provider)")
        .body("ending", ENDING).answers::<Written>(200),
    Operation::get("/catalog/drafts", "listDrafts", || get().to(catalog::drafts), "Drafts of this department")
        .query::<Fresh>().answers_page::<catalog_views::DraftAnswer>(),
    Operation::get("/catalog/drafts/{provider}/{name}", "showDraft", || get().to(catalog::show_draft), "One draft")
        .query::<Fresh>().answers::<catalog_views::DraftAnswer>(200),

    Operation::get("/catalog/entries/{provider}/{name}/diff", "compareVersions", || get().to(catalog::diff), "What differs between two versions of an entry, and what of it breaks users")
        .query::<catalog::Versions>().answers::<place_views::DifferenceAnswer>(200),
    Operation::get("/catalog/classes", "listClasses", || get().to(catalog::classes), "The groups below a place of the classification")
        .query::<catalog::ClassPlace>().answers_page::<place_views::ClassAnswer>(),
    Operation::get("/catalog/notices", "listNotices", || get().to(catalog::notices), "Entries granted to this department that have a new major version or ended, newest first")
        .query::<Fresh>().answers_page::<place_views::NoticeAnswer>(),
    Operation::get("/catalog/tombstones", "listTombstones", || get().to(catalog::tombstones), "Withdrawn entries, oldest first: for those who keep copies of the catalog")
        .query::<catalog::Since>().answers_page::<place_views::TombstoneAnswer>(),

    Operation::post("/catalog/import", "importEntries", || post().to(catalog_files::take), "Take a file's entries in as drafts (clerk of the provider): the same file again changes nothing")
        .query::<catalog_files::Reading>().takes_bytes("a workbook (.xlsx) as GET /catalog/template gives it, CSV in UTF-8, or JSON as GET /catalog/export gives it; at most 4 MiB, 2,000 entries").answers::<file_views::ImportAnswer>(200),
    Operation::get("/catalog/export", "exportEntries", || get().to(catalog_files::export), "Published entries as JSON, workbook or CSV; 2,000 at most")
        .query::<catalog_files::Exporting>(),
    Operation::get("/catalog/code-lists", "showCodeLists", || get().to(catalog_files::code_lists), "The formats and code tables that entries may name")
        .answers::<file_views::CodeListsAnswer>(200),
    Operation::get("/catalog/template", "showTemplate", || get().to(catalog_files::template), "The empty workbook to fill in, in the caller's language"),
    Operation::post("/catalog/drafts/submit", "submitEntries", || post().to(catalog_files::submit), "Submit many drafts, each with its own answer (clerk of the provider)")
        .body("names", r#"{"names":["water/water-account"]}"#).answers::<file_views::ManyAnswer>(200),
    Operation::post("/catalog/drafts/approve", "approveEntries", || post().to(catalog_files::approve), "Approve and publish many drafts, each with its own answer (reviewer of the provider, never the author)")
        .body("names", r#"{"names":["water/water-account"]}"#).answers::<file_views::ManyAnswer>(200),

    // Grants.
    Operation::post("/grants", "requestGrant", || post().to(grants::request), "Ask for a grant (clerk, reviewer or system)")
        .body("grant", GRANT).answers::<grant_views::GrantStep>(201),
    Operation::get("/grants", "listGrants", || get().to(grants::list), "Grants of the city, newest first")
        .query::<grants::Search>().answers_page::<grant_views::GrantAnswer>(),
    Operation::get("/grants/{id}", "showGrant", || get().to(grants::show), "One grant")
        .query::<Fresh>().answers::<grant_views::GrantAnswer>(200),
    Operation::post("/grants/{id}/approve", "approveGrant", || post().to(grants::approve), "Grant what was asked for, or less (reviewer of the provider); the body may be left out")
        .body("approval", APPROVAL).answers::<grant_views::GrantStep>(200),
    Operation::post("/grants/{id}/deny", "denyGrant", || post().to(grants::deny), "Refuse a request, with a reason (reviewer of the provider)")
        .body("reason", REASON).answers::<grant_views::GrantStep>(200),
    Operation::post("/grants/{id}/revoke", "revokeGrant", || post().to(grants::revoke), "End a grant before its time (reviewer of provider or consumer)")
        .body("reason", REASON).answers::<grant_views::GrantStep>(200),
    Operation::post("/grants/{id}/renew", "renewGrant", || post().to(grants::renew), "Ask for a new term of an active grant, all else as it was allowed; it serves until the new one is approved (clerk, reviewer or system of the consumer)")
        .body("renewal", r#"{"valid_until":"2027-12-31T15:59:59Z"}"#).answers::<grant_views::GrantStep>(201),
    Operation::post("/grants/{id}/suspend", "suspendGrant", || post().to(grants::suspend), "Refuse queries on a grant for now (reviewer of the provider or of the authority)")
        .body("reason", REASON).answers::<grant_views::GrantStep>(200),
    Operation::post("/grants/{id}/resume", "resumeGrant", || post().to(grants::resume), "Let a suspended grant go on (reviewer of the department that suspended it, or of the authority)")
        .body("reason", REASON).answers::<grant_views::GrantStep>(200),
    Operation::post("/grants/{id}/extend", "extendGrant", || post().to(grants::extend), "Take more working days to decide, once, with a reason (reviewer of the provider)")
        .body("reason", REASON).answers::<grant_views::GrantStep>(200),
    Operation::post("/grants/{id}/appeal", "appealGrant", || post().to(grants::appeal), "Appeal to the authority against a refusal, once (clerk or reviewer of the consumer)")
        .body("reason", REASON).answers::<grant_views::GrantStep>(200),
    Operation::post("/grants/{id}/ruling", "ruleOnAppeal", || post().to(grants::rule), "Rule on an appeal: upheld, the provider decides again within the calendar's days (reviewer of the authority)")
        .body("ruling", r#"{"upheld":true,"reason":"the legal basis is sound"}"#).answers::<grant_views::GrantStep>(200),
    Operation::get("/grant-templates", "listGrantTemplates", || get().to(grant_templates::list), "Common matters, and what each takes")
        .query::<Fresh>().answers_page::<template_views::Template>(),
    Operation::post("/grant-templates/{code}/request", "requestByTemplate", || post().to(grant_templates::request), "Ask for all that a matter takes: one request for each entry, and why there is none (clerk, reviewer or system)")
        .body("template_request", r#"{"valid_until":"2027-12-31T15:59:59Z"}"#).answers::<template_views::TemplateRequests>(201),

    // Data of other departments.
    Operation::post("/query/{provider}/{name}", "query", || post().to(queries::query), "Ask a department for data; recorded, allowed or refused. With Accept: application/x-ndjson all pages follow in one answer of lines")
        .body("query", QUERY).answers::<audit_views::QueryAnswer>(200),
    Operation::post("/query/{provider}/{name}/batch", "queryBatch", || post().to(query_batch::query), "Ask a department about up to 100 subjects; each is an access of its own, with its own verdict and its own record")
        .body("query_batch", QUERY_BATCH).answers::<audit_views::BatchAnswer>(200),
    Operation::post("/decisions/explain", "explainDecision", || post().to(queries::explain), "How the rules would decide a query, without making it")
        .body("explain", EXPLAIN).answers::<audit_views::ExplanationAnswer>(200),

    // The rules.
    Operation::get("/policy", "showPolicy", || get().to(policy::show), "The city's rules, in force or of an earlier version")
        .query::<policy::Which>().answers::<policy_views::PolicyAnswer>(200),
    Operation::get("/policy/versions", "listPolicyVersions", || get().to(policy::versions), "Every version of the rules and who signed it, newest first")
        .answers::<policy_views::PolicyVersions>(200),
    Operation::post("/policy/check", "checkPolicy", || post().to(policy::check), "Check a model and rules and say what they would change; writes nothing")
        .body("policy", POLICY).answers::<policy_views::PolicyCheckAnswer>(200),
    Operation::get("/policy/proposals", "listPolicyProposals", || get().to(policy::proposals), "What waits for its second signature, and what it would change")
        .answers::<policy_views::ProposalsAnswer>(200),
    Operation::post("/policy/proposals", "proposePolicy", || post().to(policy::propose), "Propose rules (admin of the authority); they are in force when the auditing department has confirmed them")
        .body("policy_proposal", PROPOSAL).answers::<Written>(200),
    Operation::post("/policy/proposals/{id}/confirm", "confirmPolicy", || post().to(policy::confirm), "Put proposed rules into force (admin of the auditing department)")
        .body("policy_confirmation", r#"{"digest":"66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"}"#).answers::<Written>(200),
    Operation::post("/policy/proposals/{id}/reject", "rejectPolicy", || post().to(policy::reject), "Refuse proposed rules (admin of the auditing department) or withdraw them (admin of the authority)")
        .body("reason", REASON).answers::<Written>(200),
    Operation::post("/policy/rollback", "rollBackPolicy", || post().to(policy::roll_back), "Propose an earlier version of the rules anew (admin of the authority); the body may be left out")
        .body("policy_rollback", "{}").answers::<Written>(200),

    // The audit.
    Operation::get("/audit/accesses", "listAccesses", || get().to(audit::list), "Accesses, newest first (auditors all, others what concerns them)")
        .query::<audit::Search>().answers_page::<audit_views::Access>(),
    Operation::get("/audit/accesses.csv", "exportAccessesCsv", || get().to(audit::csv), "The filtered accesses as CSV in the caller's language, newest first, at most 10,000; taking them out is written down")
        .query::<audit::Search>(),
    Operation::get("/audit/accesses.xlsx", "exportAccessesWorkbook", || get().to(audit::workbook), "The same as a workbook")
        .query::<audit::Search>(),
    Operation::get("/audit/summary", "summariseAccesses", || get().to(audit::summary), "Accesses in numbers: by day, departments and reason of refusal, and days that stand out")
        .query::<audit::Days>().answers::<super::views::audit_summary::AuditSummaryAnswer>(200),
    Operation::get("/audit/accesses/{access_id}", "showAccess", || get().to(audit::show), "One access with its proof")
        .query::<Fresh>().answers::<audit_views::AccessDetail>(200),
    Operation::get("/audit/accesses/{access_id}/replay", "replayAccess", || get().to(audit::replay), "The decision made again from the ledger at its index, beside the recorded one")
        .query::<Fresh>().answers::<audit_views::ReplayAnswer>(200),
    Operation::post("/audit/accesses/{access_id}/subject", "openSubject", || post().to(audit::open_subject), "Open the sealed subject (auditor of the auditing department)")
        .body("empty", "{}").answers::<audit_views::Subject>(200),

    Operation::get("/audit/findings", "listFindings", || get().to(audit::findings), "Promises without record and records without promise, newest first (auditors all, others what concerns them)")
        .query::<audit::FindingSearch>().answers_page::<audit_views::Finding>(),

    // The ledger.
    Operation::get("/ledger/checkpoint", "showCheckpoint", || get().to(ledger::checkpoint), "Newest anchored checkpoint: text/plain (C2SP note), or JSON by Accept")
        .query::<ledger::Which>().answers::<ledger_views::CheckpointAnswer>(200),
    Operation::get("/ledger/edition", "showEdition", || get().to(ledger::edition), "Which kinds of transactions the ledger knows, and whether every node is ready for more")
        .answers::<ledger_views::EditionsAnswer>(200),
    Operation::post("/ledger/edition", "raiseEdition", || post().to(ledger::raise_edition), "Raise the ledger to the next edition (admin of the authority), when every node's program knows it")
        .body("edition", r#"{"edition":2}"#).answers::<Written>(200),
    Operation::get("/ledger/blocks", "listBlocks", || get().to(ledger::blocks), "Blocks, newest first")
        .query::<Paged>().answers_page::<ledger_views::Block>(),
    Operation::get("/ledger/transactions", "listTransactions", || get().to(ledger::transactions), "Transactions, newest first")
        .query::<ledger::Search>().answers_page::<ledger_views::TransactionAnswer>(),
    Operation::post("/ledger/transactions", "submitTransactions", || post().to(ledger::submit), "Hand in transactions that a system signed with this department's key (system with a token for it, admin); each has its own answer, in their order")
        .takes_bytes("one transaction (docs/formats.md, section 4), or up to 1,000 of them, each behind its length in 4 bytes, big endian; at most 1 MiB").answers_list::<ledger_views::SubmittedAnswer>(),
    Operation::get("/ledger/transactions/{id}", "showTransaction", || get().to(ledger::transaction), "One transaction with what it says")
        .query::<Fresh>().answers::<ledger_views::TransactionDetail>(200),
    Operation::get("/ledger/transactions/{id}/receipt", "showReceipt", || get().to(ledger::receipt), "Receipt, to be verified offline by `mulu receipt verify`")
        .query::<Fresh>().answers::<ledger_views::ReceiptAnswer>(200),
    Operation::get("/ledger/consistency", "showConsistency", || get().to(ledger::consistency), "Proof that one ledger is the beginning of another")
        .query::<ledger::Sizes>().answers::<ledger_views::Consistency>(200),

    Operation::post("/digests", "recordDigest", || post().to(ledger::record_digest), "Put the digest of a document that stays with the department on the ledger (clerk, reviewer or system)")
        .body("digest", DIGEST).answers::<Written>(201),

    // Cases and certificates.
    Operation::get("/workflows", "listWorkflows", || get().to(cases::workflows), "Workflows of this department")
        .query::<Fresh>().answers_page::<case_views::Workflow>(),
    Operation::post("/workflows/{name}/publish", "publishWorkflow", || post().to(cases::publish_workflow), "Put the file of a workflow into force as its next version (reviewer)")
        .body("empty", "{}").answers::<case_views::PublishedWorkflow>(201),
    Operation::post("/cases", "openCase", || post().to(cases::open), "Open a case: pulls its data through the granted interfaces (clerk)")
        .body("case", CASE).answers::<case_views::OpenedCase>(201),
    Operation::get("/cases", "listCases", || get().to(cases::list), "Cases of the city, newest first")
        .query::<cases::Search>().answers_page::<case_views::CaseAnswer>(),
    Operation::get("/cases/{id}", "showCase", || get().to(cases::show), "One case; papers for its owner and the departments that sign off")
        .query::<Fresh>().answers::<case_views::CaseDetail>(200),
    Operation::get("/cases/{id}/slip", "showCaseSlip", || get().to(cases::slip), "What the applicant takes home: the number and the code by which anybody sees how the case stands, without account (owner)")
        .query::<Fresh>().answers::<case_views::CaseSlip>(200),
    Operation::post("/cases/{id}/steps/{step}/sign-off", "signOffCase", || post().to(cases::sign_off), "Give a department's word (reviewer of the step's department)")
        .body("sign_off", r#"{"agreed":true,"note":""}"#).answers::<Written>(200),
    Operation::post("/cases/{id}/steps/{step}/return", "returnCase", || post().to(cases::give_back), "Give a case back to its owner, with what is missing (reviewer of the step's department)")
        .body("reason", r#"{"reason":"a page is missing"}"#).answers::<Written>(200),
    Operation::post("/cases/{id}/steps/{step}/assign", "assignCase", || post().to(cases::assign), "Give a step to another department or to one person (reviewer of the step's department, or of the owner)")
        .body("assignment", r#"{"department":"water","reason":"duty moved"}"#).answers::<Written>(200),
    Operation::post("/cases/{id}/retry", "retryCase", || post().to(cases::retry), "Carry a waiting case on: pull what is missing, compare again (owner)")
        .body("empty", "{}").answers::<case_views::CaseProgress>(200),
    Operation::post("/cases/{id}/resubmit", "resubmitCase", || post().to(cases::resubmit), "Bring a returned case again; with another form, also one that waits for data (owner)")
        .body("resubmission", r#"{"note":"the page is there now"}"#).answers::<case_views::ResubmittedCase>(200),
    Operation::post("/cases/{id}/withdraw", "withdrawCase", || post().to(cases::withdraw), "Give a case up (owner)")
        .body("reason", r#"{"reason":"the applicant withdrew"}"#).answers::<Written>(200),
    Operation::post("/cases/{id}/complete", "completeCase", || post().to(cases::complete), "End a case without a certificate, or note that the applicant of one with a certificate is told (owner)")
        .body("empty", "{}").answers::<Written>(200),
    Operation::post("/cases/{id}/certificate", "issueCertificate", || post().to(cases::issue_certificate), "Issue the certificate (reviewer of the owner, who did not open the case)")
        .body("empty", "{}").answers::<certificate_views::Issued>(201),
    Operation::get("/certificates", "listCertificates", || get().to(certificates::list), "Certificates of the city, newest first")
        .query::<certificates::Search>().answers_page::<certificate_views::CertificateAnswer>(),
    Operation::get("/certificates/{identifier}", "showCertificate", || get().to(certificates::show), "One certificate; its document on the issuer's node only")
        .query::<Fresh>().answers::<certificate_views::CertificateDetail>(200),
    Operation::post("/certificates/{identifier}/status", "setCertificateStatus", || post().to(certificates::set_status), "Suspend, release, revoke or cancel (reviewer of the issuer)")
        .body("certificate_status", r#"{"status":"suspended","reason":"objection filed"}"#).answers::<Written>(200),
    Operation::post("/certificates/{identifier}/annotations", "annotateCertificate", || post().to(certificates::annotate), "Annotate a certificate, without personal data (reviewer of the issuer)")
        .body("certificate_annotation", r#"{"cause":"mortgage registered","expires":"2027-12-31"}"#).answers::<Written>(200),
    Operation::get("/certificates/{identifier}/credential", "showCredential", || get().to(certificates::credential), "The holder's copy as a verifiable credential, with the ledger's receipt (at the issuer): the same each time"),
    Operation::get("/certificates/{identifier}/paper", "showPaper", || get().to(certificates::paper), "The holder's copy as PDF, with the credential attached (at the issuer): the same each time"),
    Operation::get("/certificate-preparations", "listPreparations", || get().to(certificates::preparations), "What clerks prepared and no reviewer issued yet, the oldest first")
        .answers_list::<certificate_views::PreparationAnswer>(),
    Operation::post("/certificate-preparations", "prepareCertificate", || post().to(certificates::prepare), "Prepare a certificate without a case, or another version of one (clerk of the issuer)")
        .body("certificate_preparation", PREPARATION).answers::<certificate_views::PreparationAnswer>(201),
    Operation::get("/certificate-preparations/{id}", "showPreparation", || get().to(certificates::preparation), "One preparation")
        .answers::<certificate_views::PreparationAnswer>(200),
    Operation::post("/certificate-preparations/{id}/issue", "issuePreparation", || post().to(certificates::issue_preparation), "Issue what was prepared (reviewer of the issuer, who did not prepare it)")
        .body("empty", "{}").answers::<certificate_views::Issued>(201),
    Operation::post("/certificate-preparations/{id}/discard", "discardPreparation", || post().to(certificates::discard_preparation), "Put a preparation aside (clerk or reviewer of the issuer)")
        .body("empty", "{}").answers_nothing(),
    Operation::get("/certificate-types", "listCertificateTypes", || get().to(certificates::types), "Types of certificates of the city, and those of this department's files that wait to be published")
        .query::<Fresh>().answers_list::<certificate_views::TypeAnswer>(),
    Operation::get("/certificate-types/{department}/{name}", "showCertificateType", || get().to(certificates::show_type), "One type")
        .query::<Fresh>().answers::<certificate_views::TypeAnswer>(200),
    Operation::post("/certificate-types/{department}/{name}/publish", "publishCertificateType", || post().to(certificates::publish_type), "Publish what the department's own file says of a type (reviewer of the department)")
        .body("empty", "{}").answers::<Written>(200),
    Operation::get("/certificate-types/{department}/{name}/{version}/schema", "showCertificateSchema", || get().to(certificates::type_schema), "The JSON Schema of copies of a version of a type").public(),
    Operation::get("/verify/{identifier}", "verify", || get().to(certificates::verify), "What anybody may know of a certificate: whether it is in force; nothing of its holder").public()
        .query::<Fresh>().answers::<certificate_views::VerificationAnswer>(200),

    // The city.
    Operation::get("/departments", "listDepartments", || get().to(city::departments), "Departments of the city")
        .query::<Fresh>().answers::<city_views::Departments>(200),
    Operation::post("/departments", "registerDepartment", || post().to(membership::register), "Put a department on the ledger (admin of the authority)")
        .body("new_department", NEWCOMER).answers::<Written>(200),
    Operation::post("/departments/{id}/node", "setNode", || post().to(membership::set_node), "Name, move or replace a department's node (admin of the authority; its own node also the department's admin)")
        .body("node", PLACE).answers::<membership_views::MembershipChange>(200),
    Operation::post("/departments/{id}/node/remove", "removeNode", || post().to(membership::remove_node), "End a department's node for ever (admin of the authority)")
        .body("empty", "{}").answers::<membership_views::MembershipChange>(200),
    Operation::get("/accounts", "listAccounts", || get().to(accounts::list), "Accounts of this department's people (admin)")
        .answers_list::<account_views::AccountAnswer>(),
    Operation::post("/accounts", "createAccount", || post().to(accounts::create), "Make an account (admin); the answer holds the password for its first sign-in, this once: nothing is kept for an Idempotency-Key")
        .body("account", ACCOUNT).answers::<account_views::PasswordOnce>(201),
    Operation::get("/accounts/{user}", "showAccount", || get().to(accounts::show), "One account (admin)")
        .answers::<account_views::AccountAnswer>(200),
    Operation::post("/accounts/{user}/roles", "setRoles", || post().to(accounts::set_roles), "Give an account other roles; its sessions end (admin, never one's own)")
        .body("roles", r#"{"roles":["clerk","reviewer"]}"#).answers::<account_views::AccountAnswer>(200),
    Operation::post("/accounts/{user}/password", "resetPassword", || post().to(accounts::reset_password), "Give an account a new password for one sign-in; its sessions end (admin, never one's own)")
        .body("empty", "{}").answers::<account_views::PasswordOnce>(200),
    Operation::post("/accounts/{user}/disable", "disableAccount", || post().to(accounts::disable), "Let an account rest; its sessions end (admin, never one's own)")
        .body("empty", "{}").answers::<account_views::AccountAnswer>(200),
    Operation::post("/accounts/{user}/enable", "enableAccount", || post().to(accounts::enable), "Let an account be used again (admin)")
        .body("empty", "{}").answers::<account_views::AccountAnswer>(200),
    Operation::post("/accounts/{user}/unlock", "unlockAccount", || post().to(accounts::unlock), "Forget an account's failed sign-ins (admin)")
        .body("empty", "{}").answers::<account_views::AccountAnswer>(200),
    Operation::post("/accounts/{user}/second-factor/reset", "resetSecondFactor", || post().to(accounts::reset_second_factor), "Take the second factor of who lost device and codes away; its sessions end (admin, never one's own)")
        .body("empty", "{}").answers::<account_views::AccountAnswer>(200),
    Operation::get("/tokens", "listTokens", || get().to(tokens::list), "Tokens of this department's systems: terms, last use, alarms (admin)")
        .answers_list::<token_views::TokenAnswer>(),
    Operation::post("/tokens", "issueToken", || post().to(tokens::issue), "Issue a system a token in place of those it had (admin); the answer holds it, this once: nothing is kept for an Idempotency-Key")
        .body("token", TOKEN).answers::<token_views::TokenIssued>(201),
    Operation::post("/tokens/{system}/rotate", "rotateToken", || post().to(tokens::rotate), "Issue a system its next token on the same terms, while the present one goes on for a time (admin)")
        .body("token_rotation", r#"{"expires":"2027-12-31T15:59:59Z","overlap_hours":24}"#).answers::<token_views::TokenIssued>(200),
    Operation::post("/tokens/{system}/revoke", "revokeToken", || post().to(tokens::revoke), "End a system's tokens at once (admin)")
        .body("empty", "{}").answers_nothing(),
    Operation::get("/admin/log", "listActs", || get().to(admin::log), "Sign-ins and settings of this node, newest first: who, when, from where, what (admin)")
        .query::<admin::Search>().answers_page::<admin_views::ActAnswer>(),
    Operation::get("/settings", "showSettings", || get().to(settings::show), "What the administrator set for this department's node, and since when it holds (admin)")
        .answers::<settings_views::SettingsAnswer>(200),
    Operation::put("/settings", "changeSettings", || put().to(settings::change), "Set them anew, in force at once; version is the one that was read, another in force is a conflict (admin)")
        .body("settings", SETTINGS).answers::<settings_views::SettingsAnswer>(200),
    Operation::get("/departments/{id}/keys", "listKeys", || get().to(keys::list), "Keys that a department has and had, and where each stands")
        .query::<Fresh>().answers::<key_views::DepartmentKeys>(200),
    Operation::post("/keys/rotate", "rotateKeys", || post().to(keys::rotate), "Take new signing and sealing keys; the old signing key ends ten minutes later (admin)")
        .body("key_rotation", r#"{"valid_until":"2027-12-31T00:00:00Z"}"#).answers::<Written>(200),
    Operation::post("/keys/{key_id}/revoke", "revokeKey", || post().to(keys::revoke), "End one of this department's keys at once (admin)")
        .body("reason", r#"{"reason":"the disk was stolen"}"#).answers::<Written>(200),
    Operation::post("/keys/endorsements", "endorseKey", || post().to(keys::endorse), "Vouch for the key of a department that lost its own (admin)")
        .body("key_endorsement", ENDORSEMENT).answers::<Written>(200),
    Operation::get("/backup", "takeBackup", || get().to(backup::download), "Everything that this node has, as a tar file that `mulu restore` takes (admin)"),
    Operation::get("/cluster", "showCluster", || get().to(city::cluster), "Leader, term and progress of every node")
        .query::<Fresh>().answers::<city_views::Cluster>(200),
    Operation::post("/cluster/voters", "setVoters", || post().to(membership::set_voters), "Say whose nodes vote (admin of the authority)")
        .body("voters", r#"{"departments":["data-bureau","audit","water"]}"#).answers::<membership_views::MembershipChange>(200),
];

/// Every path once, in the list's order.
pub fn paths() -> impl Iterator<Item = &'static str> {
    let first = |at: usize, path: &str| !OPERATIONS.iter().take(at).any(|earlier| earlier.path == path);
    OPERATIONS.iter().enumerate().filter(move |(at, operation)| first(*at, operation.path)).map(|(_, operation)| operation.path)
}

/// The operations of a path.
pub fn of_path(path: &str) -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(move |operation| operation.path == path)
}
