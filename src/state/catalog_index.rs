//! What leads from codes and parents to entries: an index of the catalog, made of the versions in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::OrdMap;

use crate::domain::catalog::Entry;
use crate::domain::identifiers::resource_code;
use crate::ids::EntryName;

use super::machine::State;

/// Entries by their code and by their parent. A set for each, because ledgers of older editions may hold a code twice.
#[derive(Clone, Debug, Default)]
pub(super) struct CatalogIndex {
    codes: OrdMap<String, Arc<BTreeSet<EntryName>>>,
    children: OrdMap<EntryName, Arc<BTreeSet<EntryName>>>,
}

impl CatalogIndex {
    /// Follows an entry from the version that was in force to the one that is.
    pub fn follow(&mut self, before: Option<&Entry>, after: &Entry) {
        if let Some(before) = before {
            take(&mut self.codes, &before.code, &before.name);
            if let Some(parent) = &before.parent {
                take(&mut self.children, parent, &before.name);
            }
        }
        put(&mut self.codes, after.code.clone(), &after.name);
        if let Some(parent) = &after.parent {
            put(&mut self.children, parent.clone(), &after.name);
        }
    }

    /// Another entry that has the code.
    pub fn other_of_code(&self, code: &str, than: &EntryName) -> Option<&EntryName> {
        self.codes.get(code)?.iter().find(|name| *name != than)
    }

    /// Whether an entry is the parent of any.
    pub fn has_children(&self, name: &EntryName) -> bool {
        self.children.contains_key(name)
    }
}

fn put<K: Ord + Clone>(map: &mut OrdMap<K, Arc<BTreeSet<EntryName>>>, key: K, name: &EntryName) {
    Arc::make_mut(map.entry(key).or_default()).insert(name.clone());
}

fn take<K: Ord + Clone>(map: &mut OrdMap<K, Arc<BTreeSet<EntryName>>>, key: &K, name: &EntryName) {
    let Some(names) = map.get_mut(key) else { return };
    Arc::make_mut(names).remove(name);
    if names.is_empty() {
        map.remove(key);
    }
}

impl State {
    /// The entries directly below an entry, by name.
    pub fn children(&self, name: &EntryName) -> impl Iterator<Item = &EntryName> {
        self.catalog_index.children.get(name).into_iter().flat_map(|names| names.iter())
    }

    /// The entry of a resource code.
    pub fn entry_of_code(&self, code: &str) -> Option<&EntryName> {
        self.catalog_index.codes.get(code).and_then(|names| names.first())
    }

    /// The highest sequence number that stands on the ledger below a code's prefix; 0 for none.
    pub fn last_code(&self, prefix: &str) -> u32 {
        // "0" follows "/" directly, so the range holds the codes of this prefix and no longer one's.
        let mut below = self.catalog_index.codes.range(format!("{prefix}/")..format!("{prefix}0"));
        below.next_back().and_then(|(code, _)| resource_code::sequence(code)).unwrap_or(0)
    }
}
