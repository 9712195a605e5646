//! The catalog: find entries; draft, submit, approve, end one's own.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::Role;
use crate::domain::catalog::Entry;
use crate::domain::command::{Command, EntryEnding, EntryPublication};
use crate::domain::department::Department;
use crate::domain::entry_rules;
use crate::domain::schema::{self, Fault, FaultCode};
use crate::ids::{EntryName, Version};
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::catalog::{EntryFilter, EntrySummary, EntryView, SEARCH_WORDS_MAX};
use crate::readmodel::local::drafts::{Draft, DraftState};
use crate::readmodel::page::PAGE_SIZE_MAX;
use crate::readmodel::search::Facets;
use crate::readmodel::{Page, ReadError};

use super::Node;
use super::blocking::blocking;
use super::catalog_places::Moment;
use super::error::ServiceError;
use super::principal::Principal;
use super::writes::Committed;

/// Why an entry ends, and what to use instead.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndingRequest {
    /// Why.
    pub reason: String,
    /// What to use instead.
    #[serde(default)]
    pub successor: Option<EntryName>,
}

impl Node {
    /// Published entries, searched and filtered.
    ///
    /// # Errors
    /// A cursor of another listing, an overlong search.
    pub async fn entries(&self, filter: EntryFilter) -> Result<Page<EntrySummary>, ServiceError> {
        let filter = self.with_departments(filter);
        self.reading(move |model| model.entries(&filter)).await
    }

    /// Published entries in full, so many at most.
    ///
    /// # Errors
    /// An overlong search.
    pub async fn export(&self, filter: EntryFilter, max: usize) -> Result<Vec<Entry>, ServiceError> {
        let mut filter = self.with_departments(filter);
        self.reading(move |model| {
            let mut entries = Vec::new();
            filter.page.size = Some(PAGE_SIZE_MAX);
            loop {
                let page = model.entries(&filter)?;
                for summary in page.items.iter().take(max - entries.len()) {
                    entries.extend(model.entry(&summary.id, None)?.map(|view| view.entry));
                }
                filter.page.cursor = page.next_cursor;
                if filter.page.cursor.is_none() || entries.len() >= max {
                    return Ok::<_, ReadError>(entries);
                }
            }
        })
        .await
    }

    /// What the entries are like that a search finds; none while the search index is made.
    ///
    /// # Errors
    /// An overlong search.
    pub async fn facets(&self, filter: EntryFilter) -> Result<Option<Facets>, ServiceError> {
        let filter = self.with_departments(filter);
        self.reading(move |model| model.facets(&filter)).await
    }

    /// Notes which departments the words of a search name, so that they find these departments' entries.
    fn with_departments(&self, mut filter: EntryFilter) -> EntryFilter {
        let q = filter.q.as_deref().unwrap_or_default();
        let long = |word: &&str| word.chars().count() >= if word.is_ascii() { 3 } else { 2 };
        let state = self.chain.state();
        for word in q.split_whitespace().filter(long).take(SEARCH_WORDS_MAX).map(str::to_lowercase) {
            let named = |own: &&Department| own.name.zh.contains(&word) || own.name.en.to_lowercase().contains(&word);
            let ids: Vec<_> = state.departments().filter(named).map(|own| own.id.clone()).collect();
            if !ids.is_empty() {
                filter.departments.insert(word, ids);
            }
        }
        drop(state);
        filter
    }

    /// One published entry: the version in force, or the one named.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn entry(&self, name: EntryName, version: Option<Version>) -> Result<EntryView, ServiceError> {
        let what = name.to_string();
        let found = self.reading(move |model| model.entry(&name, version)).await?;
        found.ok_or_else(|| ServiceError::missing(format_args!("entry {what}")))
    }

    /// Keeps a draft on this node, new or changed. Clerks of the provider may.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] with a fault for each value that does not fit.
    pub async fn save_draft(&self, who: &Principal, document: Value) -> Result<Draft, ServiceError> {
        let entry = read_entry(self.with_code(document).await?)?;
        let actor = self.authorise(who, self.draft_facts(Action::DraftEntry, &entry.name))?;
        let faults = self.code_lists.check(&entry);
        if !faults.is_empty() {
            return Err(ServiceError::Invalid(faults));
        }
        self.check_version(&entry)?;
        self.check_place(&entry, Moment::Saved)?;
        let (local, now) = (self.local.clone(), self.clock.now());
        blocking(move || local.save_draft(&entry, &actor, now)).await
    }

    /// All drafts of this department.
    ///
    /// # Errors
    /// The database's.
    pub async fn drafts(&self, _who: &Principal) -> Result<Vec<Draft>, ServiceError> {
        let local = self.local.clone();
        blocking(move || local.drafts()).await
    }

    /// One draft of this department.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn draft(&self, _who: &Principal, name: &EntryName) -> Result<Draft, ServiceError> {
        let (local, wanted) = (self.local.clone(), name.clone());
        let found = blocking(move || local.draft(&wanted)).await?;
        found.ok_or_else(|| ServiceError::missing(format_args!("a draft of {name}")))
    }

    /// Hands a draft to the reviewers.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] when it is not a draft.
    pub async fn submit_entry(&self, who: &Principal, name: &EntryName) -> Result<Draft, ServiceError> {
        let draft = self.draft(who, name).await?;
        self.authorise(who, self.draft_facts(Action::SubmitEntry, name))?;
        self.check_version(&draft.entry)?;
        self.check_place(&draft.entry, Moment::Submitted)?;
        let (local, now) = (self.local.clone(), self.clock.now());
        blocking(move || local.submit_draft(&draft.entry.name, now)).await
    }

    /// Puts a submitted draft on the ledger: every node shows it. A reviewer who is not its author may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal, [`ServiceError::Conflict`] when it is not submitted.
    pub async fn approve_entry(&self, who: &Principal, name: &EntryName) -> Result<Committed, ServiceError> {
        let draft = self.submitted(who, name).await?;
        let actor = self.authorise(who, self.review_facts(Action::ApproveEntry, &draft, who))?;
        self.check_place(&draft.entry, Moment::Submitted)?;
        let publication = EntryPublication { entry: draft.entry, drafted_by: draft.drafted_by };
        let committed = self.write(who, actor.clone(), Command::PublishEntry(publication)).await?;
        let (local, now, name, id) = (self.local.clone(), self.clock.now(), name.clone(), committed.transaction_id);
        blocking(move || local.publish_draft(&name, &actor, id, now)).await?;
        Ok(committed)
    }

    /// Gives a submitted draft back to its author, with a reason.
    ///
    /// # Errors
    /// The policy's refusal, [`ServiceError::Conflict`] when it is not submitted.
    pub async fn reject_entry(&self, who: &Principal, name: &EntryName, reason: String) -> Result<Draft, ServiceError> {
        if reason.trim().is_empty() {
            return Err(ServiceError::invalid(
                FaultCode::Required,
                "/reason",
                "say why, so that the author can mend it",
            ));
        }
        let draft = self.submitted(who, name).await?;
        let actor = self.authorise(who, self.review_facts(Action::RejectEntry, &draft, who))?;
        let (local, now) = (self.local.clone(), self.clock.now());
        blocking(move || local.reject_draft(&draft.entry.name, &actor, &reason, now)).await
    }

    /// Points users of an entry to something better; it is still served.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn deprecate_entry(
        &self,
        who: &Principal,
        name: &EntryName,
        request: EndingRequest,
    ) -> Result<Committed, ServiceError> {
        let (actor, ending) = self.ending(Action::DeprecateEntry, who, name, request)?;
        self.write(who, actor, Command::DeprecateEntry(ending)).await
    }

    /// Ends an entry: refused to all from then on, a tombstone stays.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn withdraw_entry(
        &self,
        who: &Principal,
        name: &EntryName,
        request: EndingRequest,
    ) -> Result<Committed, ServiceError> {
        let (actor, ending) = self.ending(Action::WithdrawEntry, who, name, request)?;
        self.write(who, actor, Command::WithdrawEntry(ending)).await
    }

    /// The facts of an action on a published entry.
    pub(super) fn entry_facts(
        &self,
        action: Action,
        name: &EntryName,
    ) -> Result<impl Fn(Role) -> Facts + use<>, ServiceError> {
        let relation = self.relation_to_entry(name);
        let state = self.chain.state();
        let history = state.entry(name).ok_or_else(|| ServiceError::missing(format_args!("entry {name}")))?;
        let entry = &history.current().entry;
        let (standing, sharing, grade) = (history.state, entry.sharing, entry.grade());
        Ok(move |role| Facts {
            entry: Some(standing),
            sharing: Some(sharing),
            grade,
            ..Facts::new(action, role, relation)
        })
    }

    fn ending(
        &self,
        action: Action,
        who: &Principal,
        name: &EntryName,
        request: EndingRequest,
    ) -> Result<(crate::domain::Actor, EntryEnding), ServiceError> {
        let actor = self.authorise(who, self.entry_facts(action, name)?)?;
        let version = self.chain.state().entry(name).map(|history| history.current().entry.version);
        let version = version.ok_or_else(|| ServiceError::missing(format_args!("entry {name}")))?;
        let EndingRequest { reason, successor } = request;
        Ok((actor, EntryEnding { entry: name.clone(), version, reason, successor }))
    }

    async fn submitted(&self, who: &Principal, name: &EntryName) -> Result<Draft, ServiceError> {
        let draft = self.draft(who, name).await?;
        if draft.state == DraftState::Submitted {
            return Ok(draft);
        }
        let state = draft.state.as_str();
        Err(ServiceError::conflict(
            "draft_not_submitted",
            format!("the draft is {state}: its author must submit it first"),
        ))
    }

    fn review_facts(&self, action: Action, draft: &Draft, who: &Principal) -> impl Fn(Role) -> Facts + use<> {
        let facts = self.draft_facts(action, &draft.entry.name);
        let same_person = draft.drafted_by.user == who.user;
        move |role| Facts { same_person, ..facts(role) }
    }

    /// The facts of an action on a draft: of an entry that may stand on the ledger already, even withdrawn.
    fn draft_facts(&self, action: Action, name: &EntryName) -> impl Fn(Role) -> Facts + use<> {
        let relation = self.relation_to_entry(name);
        let entry = self.chain.state().entry(name).map(|history| history.state);
        move |role| Facts { entry, ..Facts::new(action, role, relation) }
    }

    fn relation_to_entry(&self, name: &EntryName) -> Relation {
        if name.provider == self.department { Relation::Own } else { Relation::Foreign }
    }

    fn check_version(&self, entry: &Entry) -> Result<(), ServiceError> {
        let state = self.chain.state();
        let Some(history) = state.entry(&entry.name) else { return Ok(()) };
        let current = history.current().entry.version;
        if entry.version > current {
            return Ok(());
        }
        let detail = format!("version {current} is published: give the draft a higher version");
        Err(ServiceError::conflict("version_not_higher", detail))
    }
}

/// Reads an entry that a person or a program wrote, with a fault for each thing that is wrong.
fn read_entry(document: Value) -> Result<Entry, ServiceError> {
    let schema =
        schema::tx_body("entry.publish").ok_or_else(|| ServiceError::Internal("no schema for entry.publish".into()))?;
    let body = json!({ "entry": document, "drafted_by": { "user": "draft", "role": "clerk" } });
    let faults: Vec<Fault> = schema
        .check(&body)
        .into_iter()
        .map(|fault| Fault {
            pointer: fault.pointer.strip_prefix("/entry").unwrap_or(&fault.pointer).to_owned(),
            ..fault
        })
        .collect();
    if !faults.is_empty() {
        return Err(ServiceError::Invalid(faults));
    }
    let entry = body.get("entry").cloned().unwrap_or_default();
    let entry: Entry = serde_json::from_value(entry).map_err(|e| Fault::new("", e.to_string()))?;
    let faults = entry_rules::check_parts(&entry);
    if !faults.is_empty() {
        return Err(ServiceError::Invalid(faults));
    }
    Ok(entry)
}
