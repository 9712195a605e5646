//! The projection on PostgreSQL as nothing but a server can fail it: away, restarted, taken by another, of other words.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;

use super::accesses::AccessFilter;
use super::catalog::EntryFilter;
use super::database::Database;
use super::follower;
use super::pool::Pool;
use super::postgres_server::PostgresServer;
use super::testing::{BEGIN, Home, MakeHome, TABLES, TestLedger, access, actor, entry, lines, on_both, text};
use super::tests::{HOUSEHOLD, follow, own, wait};
use super::transactions::TransactionFilter;
use super::{ReadError, ReadModel};
use crate::domain::access::{AccessDecision, AccessRecord};
use crate::domain::command::{Command, EntryPublication};
use crate::state::outcome::Refusal;

on_both!(what_a_database_takes_badly_stops_nothing, a_stored_record_that_is_no_record_begins_it_anew);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// Columns of every table, each with whether it may be empty, its kind and its place in the key.
fn columns(home: &Home) -> Vec<String> {
    drop(home.open());
    let mut connection = home.connect();
    let mut all = Vec::new();
    for table in TABLES {
        let query = if connection.is_server() {
            format!(
                "SELECT c.column_name || ' ' || CASE WHEN c.is_nullable = 'YES' THEN '?' ELSE '!' END || ' ' || \
                 CASE c.data_type WHEN 'bytea' THEN 'blob' WHEN 'text' THEN 'text' ELSE 'integer' END || ' ' || \
                 COALESCE(k.ordinal_position, 0) AS line FROM information_schema.columns AS c \
                 LEFT JOIN information_schema.key_column_usage AS k ON k.table_schema = c.table_schema \
                 AND k.table_name = c.table_name AND k.column_name = c.column_name AND k.constraint_name LIKE '%_pkey' \
                 WHERE c.table_schema = current_schema() AND c.table_name = '{table}' \
                 AND (c.data_type <> 'text' OR c.collation_name = 'C') ORDER BY 1"
            )
        } else {
            format!(
                "SELECT name || ' ' || CASE \"notnull\" WHEN 0 THEN '?' ELSE '!' END || ' ' || lower(type) || ' ' || pk \
                 AS line FROM pragma_table_info('{table}') ORDER BY 1"
            )
        };
        all.extend(lines(&mut connection, &query).into_iter().map(|column| format!("{table}: {column}")));
    }
    all
}

#[test]
fn both_have_the_same_tables_and_columns() {
    let (file, server) = (Home::file(), Home::server());
    let known = columns(&file);
    assert!(known.len() > 100, "{known:?}");
    assert_eq!(columns(&server), known);
    let tables = "SELECT tablename AS line FROM pg_tables WHERE schemaname = current_schema() \
                  AND tablename NOT LIKE '\\_\\_%' ORDER BY tablename COLLATE \"C\"";
    assert_eq!(lines(&mut server.connect(), tables), TABLES);
}

fn what_a_database_takes_badly_stops_nothing(home: MakeHome) {
    let ledger = TestLedger::new("mulu-test");
    let mut strange = entry(HOUSEHOLD, "户\0籍");
    strange.classification.class = text("基\0础");
    strange.classification.detail = text(&"细".repeat(3_000));
    ledger.publish(strange);
    let mut record = AccessRecord {
        decision: AccessDecision::Refused,
        reasons: vec!["no\0grant".into(), "x".repeat(9_000)],
        case_id: Some("2026\0-17".into()),
        ..access(HOUSEHOLD, BEGIN)
    };
    record.actor.user = "li\0na".into();
    ledger.record(vec![record]);
    let nobody = EntryPublication { entry: entry("tax/refused", "x"), drafted_by: actor("wang") };
    let refusal = Refusal::Unknown(format!("a \0 {}", "y".repeat(9_000)));
    ledger.add_with(vec![("tax", Command::PublishEntry(nobody), Err(refusal))]);
    let ledger = Arc::new(ledger);
    let home = home();
    let model = home.open();
    follow(&ledger, &model, own("public-security"));

    let of_case = AccessFilter { case_id: Some("2026\0-17".into()), ..Default::default() };
    assert_eq!(model.accesses(&of_case).unwrap().items.len(), 1);
    let of_actor = AccessFilter { actor: Some("li\0na".into()), ..Default::default() };
    assert_eq!(model.accesses(&of_actor).unwrap().items[0].record.actor.user, "li\0na");
    let listed = |filter: EntryFilter| model.entries(&filter).unwrap().items.len();
    assert_eq!(listed(EntryFilter { classes: vec!["基\0础".into()], ..Default::default() }), 1);
    assert_eq!(model.classes(&["基\0础".into()]).unwrap().len(), 1);
    assert_eq!(listed(EntryFilter { q: Some("\0".into()), ..Default::default() }), 0);
    assert_eq!(model.certificate("a\0b"), Ok(None));
    let about = TransactionFilter { reference: Some("\0".into()), kind: Some("a\0b".into()), ..Default::default() };
    assert_eq!(model.transactions(&about).unwrap().items, []);
    assert_eq!(model.transactions(&TransactionFilter::default()).unwrap().items.len(), 3);
}

fn a_stored_record_that_is_no_record_begins_it_anew(home: MakeHome) {
    let ledger = Arc::new(TestLedger::new("mulu-test"));
    ledger.publish(entry(HOUSEHOLD, "户籍登记信息"));
    let home = home();
    let model = home.open();
    let running = follower::start(ledger.clone(), model.clone(), own("tax")).unwrap();
    wait(&model, 1);
    let damage = "UPDATE entries SET summary = '{'";
    home.connect().batch_execute(damage).unwrap();
    assert!(matches!(model.entries(&EntryFilter::default()), Err(ReadError::Corrupt(_))));
    until("it is not begun anew", || model.entries(&EntryFilter::default()).is_ok_and(|page| page.items.len() == 1));
    until("it is not sound again", || model.is_sound());
    running.stop();
}

fn first_page(model: &ReadModel) -> Result<usize, ReadError> {
    Ok(model.accesses(&AccessFilter::default())?.items.len())
}

#[test]
fn a_server_that_goes_away_and_comes_back_costs_nothing_but_time() {
    let mut server = PostgresServer::start();
    let ledger = Arc::new(TestLedger::new("mulu-test"));
    ledger.publish(entry(HOUSEHOLD, "户籍登记信息"));
    ledger.record(vec![access(HOUSEHOLD, BEGIN)]);
    server.stop();
    // The node starts without it,
    let home = Home::on(&server);
    let model = home.open();
    assert!(!model.is_sound() && model.trouble().is_some());
    assert!(matches!(first_page(&model), Err(ReadError::Unreachable(_))));
    let running = follower::start(ledger.clone(), model.clone(), own("civil-affairs")).unwrap();
    assert!(!follower_waits_for(&model, 2), "nobody waits for a server that is away");
    // follows once it is there,
    server.start_again();
    until("it does not follow", || first_page(&model) == Ok(1));
    wait(&model, 2);
    assert!(model.is_sound() && model.trouble().is_none());
    let made = lines(&mut home.connect(), THEIR_NUMBERS);
    // says so when it goes away in the middle, though nothing is to be written,
    server.stop();
    until("its end goes unnoticed", || !model.is_sound());
    assert!(matches!(first_page(&model), Err(ReadError::Unreachable(_))));
    ledger.record(vec![access(HOUSEHOLD, BEGIN.plus(1)), access(HOUSEHOLD, BEGIN.plus(2))]);
    // and goes on where it was: nothing is counted twice.
    server.start_again();
    until("it does not go on", || first_page(&model) == Ok(3));
    assert_eq!(model.stats(BEGIN).unwrap().accesses["allowed"], 3);
    assert_eq!(lines(&mut home.connect(), THEIR_NUMBERS), made, "the rows were thrown away");
    running.stop();
    let rows = home.dump();
    home.rebuild();
    follow(&ledger, &home.open(), own("civil-affairs"));
    assert_eq!(home.dump(), rows);
}

fn follower_waits_for(model: &ReadModel, size: u64) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let began = Instant::now();
    let reached = runtime.block_on(model.wait_for(size, Duration::from_secs(20)));
    assert!(began.elapsed() < Duration::from_secs(10));
    reached
}

#[test]
fn readers_whose_connections_were_cut_get_others() {
    let ledger = Arc::new(TestLedger::new("mulu-test"));
    ledger.record(vec![access(HOUSEHOLD, BEGIN)]);
    // Its own: on the shared one others would be cut off too.
    let server = PostgresServer::start();
    let home = Home::on(&server);
    let model = home.open();
    let running = follower::start(ledger.clone(), model.clone(), own("civil-affairs")).unwrap();
    wait(&model, 1);
    assert_eq!(first_page(&model), Ok(1));
    let cut = "SELECT CAST(pg_terminate_backend(pid) AS TEXT) AS line FROM pg_stat_activity \
               WHERE application_name = 'mulu' AND pid <> pg_backend_pid()";
    lines(&mut home.connect(), cut);
    // Whoever was cut, a reader finds its rows, at once or when the follower has said that all is well.
    until("readers find no way back", || first_page(&model) == Ok(1));
    ledger.record(vec![access(HOUSEHOLD, BEGIN)]);
    until("the follower finds no way back", || first_page(&model) == Ok(2));
    running.stop();
}

/// Changes when tables are made anew.
const THEIR_NUMBERS: &str = "SELECT CAST(oid AS TEXT) AS line FROM pg_class \
                             WHERE relnamespace = CAST(current_schema() AS regnamespace) ORDER BY oid";

#[test]
fn a_second_process_on_the_same_schema_is_refused() {
    let ledger = Arc::new(TestLedger::new("mulu-test"));
    ledger.record(vec![access(HOUSEHOLD, BEGIN)]);
    let home = Home::server();
    let first = home.open();
    let running = follower::start(ledger.clone(), first.clone(), own("civil-affairs")).unwrap();
    wait(&first, 1);
    let second = home.open();
    assert!(second.trouble().is_some_and(|why| why.contains("another process fills the schema")));
    let waiting = follower::start(ledger.clone(), second.clone(), own("civil-affairs")).unwrap();
    assert!(matches!(home.try_rebuild(), Err(ReadError::Taken(_))));
    assert!(!second.is_sound());
    assert_eq!(first_page(&first), Ok(1));
    let kept = lines(&mut home.connect(), THEIR_NUMBERS);
    running.stop();
    until("the second does not take its turn", || second.is_sound());
    assert_eq!(first_page(&second), Ok(1));
    assert_eq!(lines(&mut home.connect(), THEIR_NUMBERS), kept, "the rows were thrown away");
    waiting.stop();
}

#[test]
fn a_snapshot_holds_rows_and_position_together_and_cannot_write() {
    let home = Home::server();
    drop(home.open());
    let (mut reader, mut writer) = (home.connect(), home.connect());
    let count = |connection: &mut Database| lines(connection, "SELECT CAST(count(*) AS TEXT) AS line FROM blocks");
    reader.begin_snapshot().unwrap();
    reader
        .finish(|reader| {
            assert_eq!(count(reader), ["0"]);
            writer.batch_execute("INSERT INTO blocks VALUES (0, 0, 0, 0, 0)").unwrap();
            assert_eq!(count(reader), ["0"]);
            assert!(reader.batch_execute("DELETE FROM blocks").is_err());
            Err::<(), _>(ReadError::Cursor)
        })
        .unwrap_err();
    assert_eq!(count(&mut reader), ["1"]);
}

#[test]
fn a_statement_that_takes_too_long_is_ended_and_its_place_is_free_again() {
    let home = Home::server();
    drop(home.open());
    let pool = Pool::with_time(home.place(), Duration::from_millis(200));
    let read = |sql: &str| pool.read(|connection| Ok(connection.batch_execute(sql)?));
    for _ in 0..6 {
        assert!(matches!(read("SELECT pg_sleep(60)"), Err(ReadError::Busy(_))));
    }
    assert_eq!(read("SELECT 1"), Ok(()));
}

#[test]
fn nobody_waits_for_a_server_that_stands_still_and_all_goes_on_with_it() {
    let ledger = Arc::new(TestLedger::new("mulu-test"));
    ledger.record(vec![access(HOUSEHOLD, BEGIN)]);
    let server = PostgresServer::start();
    let home = Home::on(&server);
    let model = home.open();
    let running = follower::start(ledger.clone(), model.clone(), own("civil-affairs")).unwrap();
    wait(&model, 1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let asked = || runtime.block_on(model.ask(first_page));
    assert_eq!(asked(), Ok(1));

    server.freeze();
    // As many as there are places, and more: each is told within a bound.
    let readers: Vec<_> = (0..6)
        .map(|_| {
            runtime.spawn({
                let model = model.clone();
                async move { model.ask(first_page).await }
            })
        })
        .collect();
    for reader in readers {
        let told = runtime.block_on(reader).unwrap();
        assert!(matches!(told, Err(ReadError::Unreachable(_) | ReadError::Busy(_))), "{told:?}");
    }
    until("its silence goes unnoticed", || !model.is_sound());
    assert!(model.trouble().is_some_and(|why| why.contains("does not answer")));
    // From now on nobody asks it at all.
    assert!(matches!(first_page(&model), Err(ReadError::Unreachable(_))));

    server.thaw();
    ledger.record(vec![access(HOUSEHOLD, BEGIN.plus(1))]);
    until("it does not go on", || model.is_sound() && asked() == Ok(2));
    // The end of the node does not wait for it either.
    server.freeze();
    running.stop();
    runtime.shutdown_background();
}

#[test]
fn readers_that_never_come_back_keep_nobody_else_out_for_long() {
    let server = PostgresServer::start();
    let home = Home::on(&server);
    drop(home.open());
    let pool = Pool::with_time(home.place(), Duration::from_millis(100));
    let (enter, entered) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let lost: Vec<_> = (0..4)
            .map(|_| {
                let (pool, enter) = (&pool, enter.clone());
                let (release, released) = std::sync::mpsc::channel::<()>();
                scope.spawn(move || {
                    pool.read(|_| {
                        enter.send(()).unwrap();
                        let _ = released.recv();
                        Ok(())
                    })
                });
                release
            })
            .collect();
        (0..4).for_each(|_| entered.recv().unwrap());
        until("the places of the lost are not given to others", || pool.read(|_| Ok(())) == Ok(()));
        drop(lost);
    });
    assert_eq!(pool.read(|_| Ok(())), Ok(()));
}

#[test]
fn a_server_without_room_is_told_of_and_followed_again_when_it_has_some() {
    let ledger = Arc::new(TestLedger::new("mulu-test"));
    ledger.record(vec![access(HOUSEHOLD, BEGIN)]);
    let home = Home::server();
    let model = home.open();
    // As PostgreSQL says it (disk_full, 53100).
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING \
                ERRCODE = '53100', MESSAGE = 'could not extend file \"base/5/1\": No space left on device'; END $$; \
                CREATE TRIGGER full_disk BEFORE INSERT ON accesses EXECUTE FUNCTION full_disk()";
    home.connect().batch_execute(full).unwrap();
    let running = follower::start(ledger.clone(), model.clone(), own("civil-affairs")).unwrap();
    until("nobody is told", || model.trouble().is_some_and(|why| why.contains("No space left on device")));
    // What was there before is still listed.
    assert_eq!(first_page(&model), Ok(0));
    home.connect().batch_execute("DROP TRIGGER full_disk ON accesses").unwrap();
    until("it does not go on", || first_page(&model) == Ok(1));
    until("it is told of for ever", || model.trouble().is_none());
    running.stop();
}
