//! The life of nodes: they come, move, are replaced and leave; and whose vote.

use super::*;
use crate::domain::node::{Member, NodePlace, NodeRemoval, NodeSetting, VoterChoice};

const AUTHORITY: (&str, &str, Role) = ("data-bureau", "root", Role::Admin);

fn set(department: &str, node_id: u64, host: &str) -> Command {
    let (raft, peer) = (format!("{host}:8601"), format!("{host}:8501"));
    Command::SetNode(NodeSetting { department: department.parse().unwrap(), node_id, raft, peer, seen: None })
}

fn remove(department: &str) -> Command {
    Command::RemoveNode(NodeRemoval { department: department.parse().unwrap(), seen: None })
}

fn voters(departments: &[&str]) -> Command {
    let departments = departments.iter().map(|id| id.parse().unwrap()).collect();
    Command::SetVoters(VoterChoice { departments, seen: None })
}

fn register(id: &str, node_id: u64) -> Command {
    Command::RegisterDepartment(Department {
        id: id.parse().unwrap(),
        name: text(id),
        uscc: "11110000000021135M".into(),
        signing_key: key(id).public(),
        signing_key_valid_until: None,
        sealing_key: String::new(),
        voter: true,
        node_id,
    })
}

/// A node comes, may vote, is replaced and leaves.
pub(super) fn life(department: &str, node_id: u64) -> [Command; 5] {
    [
        set(department, node_id, "a.example"),
        voters(&["data-bureau", "audit", department]),
        set(department, node_id + 1, "b.example"),
        voters(&["data-bureau", "audit", "civil-affairs"]),
        remove(department),
    ]
}

fn member(city: &City, department: &str) -> Option<Member> {
    city.state.member(&department.parse().unwrap())
}

fn voting(city: &City) -> Vec<String> {
    city.state.members().filter(|member| member.voter).map(|member| member.department.to_string()).collect()
}

#[test]
fn a_department_joins_as_a_learner_and_votes_when_the_authority_says_so() {
    let mut city = City::new();
    assert_eq!(city.state.members().count(), 4, "those of the genesis");
    assert_eq!(member(&city, "audit").unwrap().place, None, "where node.toml says");
    assert!(matches!(city.does(AUTHORITY, set("water", 9, "w")), Err(Refusal::Unknown(_))));
    let mark = city.state.members_mark();
    city.does(AUTHORITY, register("water", 9)).unwrap();
    assert_eq!(member(&city, "water"), None, "registered, but without a node");
    assert!(matches!(city.does(AUTHORITY, voters(&["water"])), Err(Refusal::Conflict(_))));
    city.does(AUTHORITY, set("water", 9, "water.example")).unwrap();
    let joined = member(&city, "water").unwrap();
    let place = NodePlace { raft: "water.example:8601".into(), peer: "water.example:8501".into() };
    assert_eq!((joined.node_id, joined.voter, joined.place), (9, false, Some(place)));
    assert_ne!(city.state.members_mark(), mark);
    city.does(AUTHORITY, voters(&["water", "data-bureau", "audit"])).unwrap();
    assert_eq!(voting(&city), ["audit", "data-bureau", "water"]);
}

#[test]
fn only_the_authority_s_administrators_decide_and_a_department_may_move() {
    let mut city = City::new();
    let clerk = ("data-bureau", "clerk1", Role::Clerk);
    let other = ("audit", "root", Role::Admin);
    for who in [clerk, other] {
        for command in [set("civil-affairs", 3, "c"), set("audit", 7, "a"), remove("audit"), voters(&["audit"])] {
            let text = format!("{} {command:?}", who.0);
            assert!(matches!(city.does(who, command), Err(Refusal::NotAllowed(_))), "{text}");
        }
    }
    assert!(matches!(city.does(("audit", "clerk1", Role::Clerk), set("audit", 2, "a")), Err(Refusal::NotAllowed(_))));
    city.does(other, set("audit", 2, "moved.example")).unwrap();
    let moved = member(&city, "audit").unwrap();
    assert_eq!((moved.node_id, moved.voter), (2, true), "it votes as before");
    assert_eq!(moved.place.unwrap().raft, "moved.example:8601");
    city.does(AUTHORITY, remove("audit")).unwrap();
    assert!(matches!(city.does(other, set("audit", 2, "back")), Err(Refusal::NotAllowed(_))), "not by itself");
}

#[test]
fn a_number_is_never_used_twice() {
    let mut city = City::new();
    city.does(AUTHORITY, set("audit", 7, "new.example")).unwrap();
    let replaced = member(&city, "audit").unwrap();
    assert_eq!((replaced.node_id, replaced.voter), (7, true), "it shall vote where its predecessor did");
    for used in [2, 1, 3] {
        assert!(matches!(city.does(AUTHORITY, set("audit", used, "a")), Err(Refusal::Conflict(_))), "{used}");
        assert!(matches!(city.does(AUTHORITY, register("water", used)), Err(Refusal::Conflict(_))), "{used}");
    }
    city.does(AUTHORITY, remove("audit")).unwrap();
    assert_eq!(member(&city, "audit"), None);
    assert!(city.state.department(&"audit".parse().unwrap()).is_some(), "the department stays");
    for used in [7, 2] {
        assert!(matches!(city.does(AUTHORITY, set("audit", used, "a")), Err(Refusal::Conflict(_))), "{used}");
    }
    city.does(AUTHORITY, register("water", 9)).unwrap();
    assert!(matches!(city.does(AUTHORITY, set("audit", 9, "a")), Err(Refusal::Conflict(_))), "kept for another");
    city.does(AUTHORITY, set("audit", 8, "a.example")).unwrap();
    assert!(!member(&city, "audit").unwrap().voter, "one that comes back learns first");
    assert_eq!(city.state.number_owner(2).unwrap().as_str(), "audit");
    assert_eq!(city.state.number_owner(99), None);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut city = City::new();
    for (command, why) in [
        (set("audit", 0, "a"), "no number"),
        (set("audit", 65_536, "a"), "too high"),
        (set("audit", 2, "a b"), "no address"),
        (voters(&[]), "nobody"),
        (voters(&["audit", "data-bureau"]), "an even number"),
        (voters(&["audit", "audit", "data-bureau"]), "one twice"),
    ] {
        assert!(matches!(city.does(AUTHORITY, command), Err(Refusal::Invalid(_))), "{why}");
    }
    for command in [voters(&["fire"]), remove("fire")] {
        assert!(matches!(city.does(AUTHORITY, command), Err(Refusal::Unknown(_))));
    }
    // Of two voters, as a removal leaves them, neither is a majority without the other.
    city.does(AUTHORITY, voters(&["audit", "data-bureau", "civil-affairs"])).unwrap();
    city.does(AUTHORITY, remove("civil-affairs")).unwrap();
    assert!(matches!(city.does(AUTHORITY, set("audit", 60, "a")), Err(Refusal::Conflict(_))));
    city.does(AUTHORITY, voters(&["audit"])).unwrap();
    assert!(matches!(city.does(AUTHORITY, remove("audit")), Err(Refusal::Conflict(_))), "the last voter");
    let number = member(&city, "audit").unwrap().node_id;
    assert!(
        matches!(city.does(AUTHORITY, set("audit", 60, "a")), Err(Refusal::Conflict(_))),
        "nobody could vote it in"
    );
    city.does(AUTHORITY, set("audit", number, "a")).unwrap();
    city.does(AUTHORITY, remove("data-bureau")).unwrap();
    assert!(matches!(city.does(AUTHORITY, remove("data-bureau")), Err(Refusal::Conflict(_))), "twice");
}

#[test]
fn who_knows_an_earlier_state_of_the_members_changes_nothing() {
    let mut city = City::new();
    let seen = Some(city.state.members_changed());
    let with = |command: Command| match command {
        Command::SetNode(setting) => Command::SetNode(NodeSetting { seen, ..setting }),
        Command::RemoveNode(removal) => Command::RemoveNode(NodeRemoval { seen, ..removal }),
        Command::SetVoters(choice) => Command::SetVoters(VoterChoice { seen, ..choice }),
        other => other,
    };
    city.does(AUTHORITY, with(set("audit", 11, "a"))).unwrap();
    let late = [set("civil-affairs", 12, "c"), remove("civil-affairs"), voters(&["data-bureau"])];
    for command in late {
        assert!(matches!(city.does(AUTHORITY, with(command.clone())), Err(Refusal::Conflict(_))), "{command:?}");
    }
    assert_eq!(member(&city, "civil-affairs").unwrap().node_id, 3);
}
