//! The PostgreSQL connector against a real server: types, pages, bounds, time, restarts and secrets.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::readmodel::postgres_server::PostgresServer;

use super::{ConnectorError, ConnectorFile, Connectors, Page};

const TABLES: &str = "
    CREATE SCHEMA gas;
    CREATE TABLE gas.accounts (number BIGINT PRIMARY KEY, holder CHAR(6), name VARCHAR(40), opened DATE,
        balance NUMERIC(10, 2), active BOOLEAN, key UUID UNIQUE NOT NULL);
    INSERT INTO gas.accounts VALUES
        (1, 'a1', '王', '2020-01-31', 12.50, true, 'a0000000-0000-0000-0000-000000000001'),
        (2, 'a1', '\"x\"', NULL, NULL, false, 'a0000000-0000-0000-0000-000000000002'),
        (30, 'a1', 'c', '2021-01-01', 0, true, 'a0000000-0000-0000-0000-000000000003'),
        (4, 'a', 'd', '2021-01-01', 0, true, 'a0000000-0000-0000-0000-000000000004');
    CREATE VIEW sleepy AS SELECT a.*, CAST(pg_sleep(3) AS TEXT) AS slept FROM gas.accounts a;
    CREATE ROLE reader LOGIN PASSWORD 'only-read''s';
    GRANT USAGE ON SCHEMA gas TO reader;
    GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA gas, public TO reader;";

struct Stage {
    server: PostgresServer,
    dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let server = PostgresServer::start();
        server.run(TABLES);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("password"), "only-read's\n").unwrap();
        Self { server, dir }
    }

    fn connectors(&self, relation: &str) -> Connectors {
        let text = format!(
            "version = 1\n[[connector]]\nentry = \"aa/bb\"\nkind = \"postgres\"\nhost = \"127.0.0.1\"\nport = {}
             database = \"postgres\"\nuser = \"reader\"\npassword = {{ file = \"password\" }}\n{relation}
             items = {{ number = \"number\", name = \"name\", opened = \"opened\", balance = \"balance\", active = \"active\" }}",
            self.server.port
        );
        Connectors::new(ConnectorFile::parse(&text).unwrap(), self.dir.path())
    }
}

const TABLE: &str = "table = \"gas.accounts\"\norder_by = [\"number\"]\nrow_max = 2\ntimeout_ms = 5000
    params = { holder = \"holder\", number = \"number\", opened = \"opened\", key = \"key\", active = \"active\" }";

async fn ask(connectors: &Connectors, params: Value, cursor: Option<&str>) -> Result<Page, ConnectorError> {
    connectors.fetch(&"aa/bb".parse().unwrap(), params.as_object().unwrap(), cursor).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_read_by_bound_values_within_its_bounds() {
    let mut stage = Stage::new();
    types_and_pages(&stage).await;
    a_query(&stage).await;
    nothing_is_written(&stage).await;
    late(&stage).await;
    secrets(&stage).await;
    restarted(&mut stage).await;
}

async fn types_and_pages(stage: &Stage) {
    let table = stage.connectors(TABLE);
    let first = ask(&table, json!({"holder": "a1"}), None).await.unwrap();
    let king = json!({"number": 1, "name": "王", "opened": "2020-01-31", "balance": 12.5, "active": true});
    // NULL is left out.
    assert_eq!(Value::from(first.rows), json!([king, {"number": 2, "name": "\"x\"", "active": false}]));
    // A row that comes before the place is not met, and none is met twice.
    stage.server.run("INSERT INTO gas.accounts VALUES (0, 'a1', 'new', NULL, 0, true, gen_random_uuid())");
    let second = ask(&table, json!({"holder": "a1"}), first.next_cursor.as_deref()).await.unwrap();
    assert_eq!((second.rows.len(), &second.rows[0]["number"], second.next_cursor), (1, &json!(30), None));
    for (params, rows) in [
        (json!({"key": "a0000000-0000-0000-0000-000000000002"}), 1),
        (json!({"opened": "2021-01-01", "active": true}), 2),
        (json!({"number": 30}), 1),
        (json!({"holder": "' OR 1=1 --"}), 0),
        (json!({"holder": "a"}), 1),
    ] {
        assert_eq!(ask(&table, params.clone(), None).await.unwrap().rows.len(), rows, "{params}");
    }
    let unknown = ask(&table, json!({"secret": 1}), None).await;
    assert_eq!(unknown, Err(ConnectorError::UnknownParameter("secret".into())));
    let unfit = ask(&table, json!({"opened": "yesterdayish"}), None).await.unwrap_err();
    assert!(matches!(unfit, ConnectorError::Broken(_)) && !unfit.to_string().contains("yesterdayish"), "{unfit}");
    assert_eq!(ask(&table, json!({}), Some("[1, 2]")).await, Err(ConnectorError::Cursor));
}

async fn a_query(stage: &Stage) {
    let query = stage.connectors(
        "query = \"SELECT * FROM gas.accounts WHERE holder = {holder} AND ({since}::date IS NULL OR opened >= {since}::date) -- by holder\"
         order_by = [\"opened\", \"key\"]\nrow_max = 1\nparams = { number = \"number\" }",
    );
    let params = json!({"holder": "a1", "since": "2020-01-01"});
    let first = ask(&query, params.clone(), None).await.unwrap();
    let second = ask(&query, params, first.next_cursor.as_deref()).await.unwrap();
    assert_eq!(
        (&first.rows[0]["number"], &second.rows[0]["number"], second.next_cursor),
        (&json!(1), &json!(30), None)
    );
    assert_eq!(ask(&query, json!({"holder": "a1", "number": 2}), None).await.unwrap().rows.len(), 1);
}

async fn nothing_is_written(stage: &Stage) {
    let query =
        "query = \"WITH gone AS (DELETE FROM gas.accounts RETURNING *) SELECT * FROM gone\"\norder_by = [\"number\"]";
    assert!(matches!(ask(&stage.connectors(query), json!({}), None).await, Err(ConnectorError::Broken(_))));
    stage.server.run("CREATE FUNCTION wipe() RETURNS BIGINT SECURITY DEFINER LANGUAGE sql AS 'DELETE FROM gas.accounts RETURNING number'");
    let query = "query = \"SELECT a.* FROM gas.accounts a WHERE wipe() > 0\"\norder_by = [\"number\"]";
    assert!(matches!(ask(&stage.connectors(query), json!({}), None).await, Err(ConnectorError::Broken(_))));
    assert_eq!(ask(&stage.connectors(TABLE), json!({"number": 1}), None).await.unwrap().rows.len(), 1);
}

/// What is late is ended at the server, too, and takes no place for longer.
async fn late(stage: &Stage) {
    let sleepy = stage.connectors("table = \"sleepy\"\norder_by = [\"number\"]\ntimeout_ms = 300\nconnections = 1");
    let begun = Instant::now();
    let late = tokio::join!(ask(&sleepy, json!({}), None), ask(&sleepy, json!({}), None));
    assert!(begun.elapsed() < Duration::from_millis(2_500), "{:?}", begun.elapsed());
    assert_eq!(late.0, Err(ConnectorError::Late(300)));
    assert_eq!(late.1, Err(ConnectorError::Overloaded));
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        #[derive(diesel::QueryableByName)]
        struct Busy {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            busy: i64,
        }
        let asked = "SELECT count(*) AS busy FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active'";
        let busy =
            diesel::RunQueryDsl::get_result::<Busy>(diesel::sql_query(asked), &mut stage.server.connect().unwrap());
        if busy.unwrap().busy == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "a late question still runs");
    }
}

async fn secrets(stage: &Stage) {
    let table = stage.connectors(TABLE);
    std::fs::write(stage.dir.path().join("password"), "wrong-Geheim").unwrap();
    let error = ask(&table, json!({}), None).await.unwrap_err();
    assert!(matches!(error, ConnectorError::Unreachable(_)) && !error.to_string().contains("Geheim"), "{error}");
    std::fs::write(stage.dir.path().join("password"), "only-read's").unwrap();
    assert!(ask(&table, json!({}), None).await.is_ok(), "a secret that was replaced holds at once");
}

async fn restarted(stage: &mut Stage) {
    let table = stage.connectors(TABLE);
    assert!(ask(&table, json!({"number": 1}), None).await.is_ok());
    stage.server.stop();
    for _ in 0..5 {
        let down = ask(&table, json!({"number": 1}), None).await;
        assert!(matches!(down, Err(ConnectorError::Unreachable(_))), "{down:?}");
    }
    assert!(matches!(ask(&table, json!({"number": 1}), None).await, Err(ConnectorError::Resting(_))));
    stage.server.start_again();
    let deadline = Instant::now() + Duration::from_secs(20);
    while ask(&table, json!({"number": 1}), None).await.is_err() {
        assert!(Instant::now() < deadline, "the circuit does not close again");
        tokio::task::yield_now().await;
    }
    stage.server.stop();
    stage.server.start_again();
    assert!(ask(&table, json!({"number": 1}), None).await.is_ok(), "a stale connection is replaced");
}
