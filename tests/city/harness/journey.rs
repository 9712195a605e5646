//! What departments do with each other again and again: ask for a grant, approve it, query.

use serde_json::{Value, json};

use super::answer::Answer;
use super::city::City;
use super::now;

/// What a department asks for.
#[derive(Clone)]
pub struct Wish<'a> {
    /// Who asks.
    pub consumer: &'a str,
    /// For which entry.
    pub entry: &'a str,
    /// What for.
    pub purpose: &'a str,
    /// For which items.
    pub items: &'a [&'a str],
    /// How many queries a day.
    pub daily_max: u32,
    /// For how long from now, in milliseconds.
    pub valid_ms: u64,
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self {
            consumer: "civil-affairs",
            entry: "public-security/household-registration",
            purpose: "social-assistance",
            items: &["id_number", "name", "address", "status"],
            daily_max: 1_000,
            valid_ms: 3_600_000,
        }
    }
}

impl Wish<'_> {
    /// A wish of which no other story has anything to fear.
    pub fn marriage() -> Self {
        let items = &["id_number", "marital_status"];
        Self { entry: "civil-affairs/marriage-registration", items, ..Self::default() }
    }

    /// As it is sent.
    pub fn body(&self) -> Value {
        json!({
            "entry": self.entry,
            "version": "1.0",
            "purpose": self.purpose,
            "legal_basis": "《社会救助暂行办法》第五条",
            "matter": "社会救助对象认定",
            "items": self.items,
            "mode": "query",
            "daily_max": self.daily_max,
            "valid_until": now().plus(self.valid_ms).to_string(),
        })
    }

    /// Who decides.
    pub fn provider(&self) -> &str {
        self.entry.split_once('/').map_or("", |(provider, _)| provider)
    }
}

impl City {
    /// Asks for a grant as the consumer's system, and waits until the provider's node knows; answers its id.
    #[track_caller]
    pub fn ask(&self, wish: &Wish<'_>) -> String {
        let asked = self.system(wish.consumer).post("grants", &wish.body()).ok();
        let id = asked["id"].as_str().unwrap().to_owned();
        assert_eq!((&asked["state"], &asked["transaction_id"]), (&json!("requested"), &asked["id"]));
        let seen = format!("grants/{id}?min_index={}", asked["ledger_index"]);
        self.system(wish.provider()).get(&seen).ok();
        id
    }

    /// Asks for a grant and has a reviewer of the provider approve it within limits; answers its id.
    #[track_caller]
    pub fn grant(&self, wish: &Wish<'_>, limits: &Value) -> String {
        let id = self.ask(wish);
        let reviewer = self.person(wish.provider(), "reviewer1");
        let approved = reviewer.post(&format!("grants/{id}/approve"), limits).ok();
        assert_eq!(approved["state"], "active");
        id
    }

    /// Queries as a department's system.
    #[track_caller]
    pub fn query(&self, consumer: &str, entry: &str, call: &Value) -> Answer {
        self.system(consumer).post(&format!("query/{entry}"), call)
    }
}
