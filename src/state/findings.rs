//! Findings of a consumer: well formed, about others, and with the provider's own signature where a promise was broken.

use std::collections::BTreeSet;

use crate::domain::finding::{FINDINGS_MAX, Finding, FindingReport, Mismatch};

use super::machine::{Context, State};
use super::outcome::Refusal;

impl State {
    /// Checks a report. Like access records, findings live in the ledger and the read model, not in the state.
    pub(super) fn report_findings(&self, by: &Context<'_>, report: &FindingReport) -> Result<(), Refusal> {
        if report.findings.is_empty() || report.findings.len() > FINDINGS_MAX {
            return Err(Refusal::Invalid(format!("a report holds 1 to {FINDINGS_MAX} findings")));
        }
        let accesses: BTreeSet<_> =
            report.findings.iter().map(|finding| (finding.access_id, &finding.provider)).collect();
        if accesses.len() != report.findings.len() {
            return Err(Refusal::Invalid("an access stands twice in the report".into()));
        }
        report.findings.iter().try_for_each(|finding| self.check_finding(by, finding))
    }

    fn check_finding(&self, by: &Context<'_>, finding: &Finding) -> Result<(), Refusal> {
        let Finding { access_id, provider, problem, .. } = finding;
        if self.department(provider).is_none() {
            return Err(Refusal::Unknown(format!("department {provider}")));
        }
        if provider == by.department {
            return Err(Refusal::NotAllowed("a department reports others, not itself".into()));
        }
        if finding.promise.is_some() != problem.has_promise() || finding.record_index.is_some() != problem.has_record()
        {
            let problem = problem.as_str();
            return Err(Refusal::Invalid(format!("the finding on {access_id} does not have what {problem} needs")));
        }
        if finding.record_index.is_some_and(|index| index >= by.index) {
            return Err(Refusal::Invalid(format!("the record of {access_id} stands at no earlier index")));
        }
        let Some(signed) = &finding.promise else { return Ok(()) };
        // The key of that time: whoever breaks a promise must not escape by changing keys before it is over.
        let made = access_id.time();
        let key = self.key(signed.key).filter(|record| record.department == *provider);
        let key = key.filter(|record| record.revocation.as_ref().is_none_or(|revocation| made <= revocation.at));
        let promise = key.and_then(|record| signed.verify(self.chain(), &record.key));
        let promise = promise.filter(|promise| promise.access_id == *access_id);
        let promise =
            promise.ok_or_else(|| Refusal::Invalid(format!("{provider} signed no such promise on {access_id}")))?;
        if *problem == Mismatch::PromiseWithoutRecord && promise.by > by.at {
            return Err(Refusal::Conflict(format!("the time of the promise on {access_id} is not over")));
        }
        Ok(())
    }
}
