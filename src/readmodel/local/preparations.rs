//! What a clerk prepared for a reviewer to issue: a certificate without a case, or another version of one.

use diesel::prelude::*;
use serde_json::Value;

use crate::clock::Millis;
use crate::domain::Actor;
use crate::ids::TxId;
use crate::readmodel::columns::{column, count, from_json, from_text, number, to_json};
use crate::readmodel::error::ReadError;

use super::schema::certificate_preparations as table;
use super::{Local, paper};

/// Preparations that wait at a time; and how many are listed.
pub const PREPARATIONS_MAX: usize = 200;

/// Where a preparation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreparationState {
    /// Waits for a reviewer.
    Prepared,
    /// Became a certificate.
    Issued,
    /// Was put aside.
    Discarded,
}

impl PreparationState {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Issued => "issued",
            Self::Discarded => "discarded",
        }
    }
}

/// A preparation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// Its id, of which the certificate's serial is made.
    pub id: TxId,
    /// Where it stands.
    pub state: PreparationState,
    /// What is to be issued, JSON.
    pub body: Value,
    /// Who prepared it: the one who may not issue it.
    pub prepared_by: Actor,
    /// When.
    pub prepared_at: Millis,
    /// The certificate that it became.
    pub identifier: Option<String>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = table)]
struct Row {
    id: String,
    state: String,
    body: String,
    prepared_by: String,
    prepared_at: i64,
    identifier: Option<String>,
}

impl Preparation {
    fn of(row: Row) -> Result<Self, ReadError> {
        let states = [PreparationState::Prepared, PreparationState::Issued, PreparationState::Discarded];
        let state = states.into_iter().find(|state| state.as_str() == row.state);
        Ok(Self {
            id: from_text(&row.id)?,
            state: state.ok_or_else(|| ReadError::Corrupt("a preparation's state".into()))?,
            body: from_json(&row.body)?,
            prepared_by: from_json(&row.prepared_by)?,
            prepared_at: Millis(number(row.prepared_at)),
            identifier: row.identifier,
        })
    }
}

impl Local {
    /// Keeps a new preparation; the same id again changes nothing.
    ///
    /// # Errors
    /// [`ReadError::Conflict`] when too many wait.
    pub fn prepare(&self, preparation: &Preparation) -> Result<(), ReadError> {
        let row = Row {
            id: preparation.id.to_string(),
            state: preparation.state.as_str().to_owned(),
            body: paper(&preparation.body)?,
            prepared_by: to_json(&preparation.prepared_by)?,
            prepared_at: column(preparation.prepared_at.0),
            identifier: preparation.identifier.clone(),
        };
        self.write(|connection| {
            let waiting = table::table.filter(table::state.eq(PreparationState::Prepared.as_str()));
            let waiting: i64 = waiting.count().get_result(connection)?;
            if waiting >= count(PREPARATIONS_MAX) {
                return Err(ReadError::Conflict(format!("{PREPARATIONS_MAX} preparations wait already")));
            }
            diesel::insert_or_ignore_into(table::table).values(row).execute(connection)?;
            Ok(())
        })
    }

    /// One preparation.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn preparation(&self, id: TxId) -> Result<Option<Preparation>, ReadError> {
        let row: Option<Row> = self.with(|connection| {
            Ok(table::table.find(id.to_string()).select(Row::as_select()).first(connection).optional()?)
        })?;
        row.map(Preparation::of).transpose()
    }

    /// Those that wait, the oldest first.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn preparations(&self) -> Result<Vec<Preparation>, ReadError> {
        let rows: Vec<Row> = self.with(|connection| {
            let waiting = table::table.filter(table::state.eq(PreparationState::Prepared.as_str()));
            let oldest = waiting.order(table::prepared_at.asc()).limit(count(PREPARATIONS_MAX));
            Ok(oldest.select(Row::as_select()).load(connection)?)
        })?;
        rows.into_iter().map(Preparation::of).collect()
    }

    /// Ends one that waits; says whether it did.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn end_preparation(
        &self,
        id: TxId,
        state: PreparationState,
        identifier: Option<&str>,
    ) -> Result<bool, ReadError> {
        let waiting = table::state.eq(PreparationState::Prepared.as_str());
        let changed = self.with(|connection| {
            let row = diesel::update(table::table.find(id.to_string()).filter(waiting));
            Ok(row.set((table::state.eq(state.as_str()), table::identifier.eq(identifier))).execute(connection)?)
        })?;
        Ok(changed == 1)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Role;

    const NOW: Millis = Millis(1_795_000_000_000);

    #[test]
    fn a_preparation_waits_until_it_ends_once() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let one = Preparation {
            id: TxId::new(NOW),
            state: PreparationState::Prepared,
            body: json!({"type": "title"}),
            prepared_by: Actor { user: "clerk1".into(), role: Role::Clerk },
            prepared_at: NOW,
            identifier: None,
        };
        local.prepare(&one).unwrap();
        local.prepare(&one).unwrap();
        assert_eq!(local.preparations(), Ok(vec![one.clone()]));
        assert_eq!(local.end_preparation(one.id, PreparationState::Issued, Some("1.2")), Ok(true));
        assert_eq!(local.end_preparation(one.id, PreparationState::Discarded, None), Ok(false));
        assert_eq!(local.preparations(), Ok(vec![]));
        let ended = local.preparation(one.id).unwrap().unwrap();
        assert_eq!((ended.state, ended.identifier.as_deref()), (PreparationState::Issued, Some("1.2")));
    }

    #[test]
    fn no_more_wait_than_can_be_looked_through() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let actor = Actor { user: "clerk1".into(), role: Role::Clerk };
        let next = || Preparation {
            id: TxId::new(NOW),
            state: PreparationState::Prepared,
            body: json!({}),
            prepared_by: actor.clone(),
            prepared_at: NOW,
            identifier: None,
        };
        (0..PREPARATIONS_MAX).for_each(|_| local.prepare(&next()).unwrap());
        assert!(matches!(local.prepare(&next()), Err(ReadError::Conflict(_))));
    }
}
