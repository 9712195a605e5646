//! Numbers for a front page.

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use serde::Serialize;

use crate::clock::Millis;
use crate::domain::access::AccessDecision;
use crate::domain::grant::GrantState;

use super::ReadModel;
use super::columns::{column, number};
use super::database::Database;
use super::error::ReadError;
use super::position::{Projected, projected};
use super::schema::{access_days, cases, certificates, entries, grants};

/// How much there is of what, by state. A state that nothing is in is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// How far the projection has come: these numbers reflect it.
    pub projected: Projected,
    /// Catalog entries by state.
    pub entries: BTreeMap<String, u64>,
    /// Grants by state at the moment of reading.
    pub grants: BTreeMap<String, u64>,
    /// Cases by state.
    pub cases: BTreeMap<String, u64>,
    /// Certificates by status.
    pub certificates: BTreeMap<String, u64>,
    /// Accesses that concern this node, by decision.
    pub accesses: BTreeMap<String, u64>,
    /// The same of today (UTC+8).
    pub accesses_today: BTreeMap<String, u64>,
}

/// Accesses of one calendar day (UTC+8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccessDay {
    /// Number of the day, as [`Millis::day`] counts.
    pub day: u64,
    /// Allowed ones.
    pub allowed: u64,
    /// Refused ones.
    pub refused: u64,
}

fn table_of(rows: Vec<(String, i64)>) -> BTreeMap<String, u64> {
    rows.into_iter().map(|(name, count)| (name, number(count))).collect()
}

impl ReadModel {
    /// The numbers at the moment `now`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn stats(&self, now: Millis) -> Result<Stats, ReadError> {
        self.read(|connection| {
            let entries = entries::table.group_by(entries::state).select((entries::state, count_star()));
            let cases = cases::table.group_by(cases::state).select((cases::state, count_star()));
            let certificates =
                certificates::table.group_by(certificates::status).select((certificates::status, count_star()));
            let today = access_days::table
                .filter(access_days::day.eq(column(now.day())))
                .select((access_days::decision, access_days::accesses));
            Ok(Stats {
                projected: projected(connection)?,
                entries: table_of(entries.load(connection)?),
                grants: grant_states(connection, now)?,
                cases: table_of(cases.load(connection)?),
                certificates: table_of(certificates.load(connection)?),
                accesses: access_totals(connection)?,
                accesses_today: table_of(today.load(connection)?),
            })
        })
    }

    /// Accesses of the `days` days up to `now`, oldest first; at most a year. A day without accesses is
    /// left out.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn access_days(&self, now: Millis, days: u16) -> Result<Vec<AccessDay>, ReadError> {
        let first = now.day().saturating_sub(u64::from(days.min(366)));
        let rows: Vec<(i64, String, i64)> = self.read(|connection| {
            Ok(access_days::table
                .filter(access_days::day.gt(column(first)).and(access_days::day.le(column(now.day()))))
                .select((access_days::day, access_days::decision, access_days::accesses))
                .load(connection)?)
        })?;
        let mut table = BTreeMap::<u64, AccessDay>::new();
        for (day, decision, count) in rows {
            let day = table.entry(number(day)).or_insert(AccessDay { day: number(day), ..AccessDay::default() });
            if decision == AccessDecision::Allowed.as_str() {
                day.allowed = number(count);
            } else {
                day.refused = number(count);
            }
        }
        Ok(table.into_values().collect())
    }
}

fn grant_states(connection: &mut Database, now: Millis) -> Result<BTreeMap<String, u64>, ReadError> {
    let rows = grants::table.group_by(grants::state).select((grants::state, count_star())).load(connection)?;
    let mut states = table_of(rows);
    for running in [GrantState::Active.as_str(), GrantState::Suspended.as_str()] {
        let expired: i64 = grants::table
            .filter(grants::state.eq(running).and(grants::valid_until.le(column(now.0))))
            .select(count_star())
            .first(connection)?;
        let expired = number(expired);
        if expired > 0 {
            let left = states.remove(running).unwrap_or(0).saturating_sub(expired);
            if left > 0 {
                states.insert(running.to_owned(), left);
            }
            *states.entry(GrantState::Expired.as_str().to_owned()).or_default() += expired;
        }
    }
    Ok(states)
}

fn access_totals(connection: &mut Database) -> Result<BTreeMap<String, u64>, ReadError> {
    let mut totals = BTreeMap::new();
    for decision in [AccessDecision::Allowed, AccessDecision::Refused] {
        // One row a day: few enough to add up here.
        let days: Vec<i64> = access_days::table
            .filter(access_days::decision.eq(decision.as_str()))
            .select(access_days::accesses)
            .load(connection)?;
        totals.insert(decision.as_str().to_owned(), days.into_iter().map(number).sum());
    }
    Ok(totals)
}
