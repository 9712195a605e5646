//! A node without room on its disk lets the others go on, takes nothing, and catches up by itself.

use super::*;
use crate::storage::disk::Verdict;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_costs_the_lead_and_nothing_else() {
    let city = City::new(3, 0);
    let full = city.leader().await;
    let others = [(full + 1) % 3, (full + 2) % 3];
    assert_eq!(city.node(full).submit(city.case(full)).await.unwrap().result, Ok(()));

    city.disks[full].pretend(Verdict::Full);
    assert_eq!(city.node(full).submit(city.case(full)).await, Err(SubmitError::DiskFull));
    for n in others {
        assert_eq!(city.node(n).submit(city.case(n)).await.unwrap().result, Ok(()));
    }
    until("another leader", || city.node(others[0]).status().leader.is_some_and(|leader| leader != full as u64 + 1))
        .await;
    let stands = city.node(full).status();
    assert_eq!((stands.role, stands.size), (NodeRole::Follower, 2), "it took what it has no room for");

    // A second one: no majority has room, so nothing is written, and both are well when there is room again.
    city.disks[others[0]].pretend(Verdict::Unwritable);
    until("the last one does not lead alone", || !city.node(others[1]).status().has_quorum).await;
    let limit = Duration::from_millis(300);
    assert!(city.node(others[1]).submit_within(city.case(others[1]), limit).await.is_err());
    city.disks.iter().for_each(|disk| disk.pretend(Verdict::Low));
    for n in 0..3 {
        assert_eq!(city.node(n).submit(city.case(n)).await.unwrap().result, Ok(()));
    }
    city.all_equal().await;
}
