//! Nothing is answered before it is durable, and nobody's failure is another's.

use super::*;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use futures::future::join_all;
use std::time::Duration;

fn writer(folder: &tempfile::TempDir) -> Writer {
    Writer::start(&folder.path().join("test.db")).unwrap()
}

async fn run(writer: &Writer, sql: String) -> Result<(), Error> {
    writer.run(Manner::PLAIN, move |conn| Ok(diesel::sql_query(&sql).execute(conn).map(drop)?)).await
}

fn count(folder: &tempfile::TempDir) -> i64 {
    // Another connection: what it sees is committed.
    let mut conn = SqliteConnection::establish(&folder.path().join("test.db").to_string_lossy()).unwrap();
    diesel::select(sql::<BigInt>("(SELECT count(*) FROM t)")).get_result(&mut conn).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_is_committed_and_what_failed_is_undone_alone() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    run(&writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)".into()).await.unwrap();
    let results = join_all((0..400_i64).map(|i| {
        let (writer, folder) = (writer.clone(), &folder);
        async move {
            let result = writer
                .run(Manner::PLAIN, move |conn| {
                    diesel::sql_query(format!("INSERT INTO t VALUES ({i})")).execute(conn)?;
                    match i % 10 {
                        3 => Err(Error::NotFound),
                        7 => Ok(diesel::sql_query("INSERT INTO t VALUES (0)").execute(conn).map(drop)?),
                        _ => Ok(()),
                    }
                })
                .await;
            if result.is_ok() && i % 50 == 0 {
                assert!(count(folder) > 0, "answered before it was committed");
            }
            result
        }
    }))
    .await;
    for (i, result) in results.iter().enumerate() {
        match i % 10 {
            3 => assert!(matches!(result, Err(Error::NotFound))),
            7 => assert!(matches!(result, Err(Error::Database(_)))),
            _ => assert!(result.is_ok(), "{i}: {result:?}"),
        }
    }
    assert_eq!(count(&folder), 320);
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_work_that_fails_takes_nobody_else_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    run(&writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)".into()).await.unwrap();
    let results = join_all((0..60_i64).map(|i| {
        let writer = writer.clone();
        async move {
            // Every third has its savepoint; of the others every tenth finds its number taken.
            if i % 3 == 0 {
                return run(&writer, format!("INSERT INTO t VALUES ({i})")).await;
            }
            let number = if i % 10 == 1 { 1 } else { i };
            let insert = move |conn: &mut AnyConnection| {
                diesel::sql_query(format!("INSERT INTO t VALUES ({number})")).execute(conn)?;
                Ok(())
            };
            writer.run(Manner::BARE, insert).await
        }
    }))
    .await;
    // 1, 11, 31, 41 want number one (21 and 51 are of the others), and one of them has it.
    let failed: Vec<usize> = results.iter().enumerate().filter(|(_, result)| result.is_err()).map(|(i, _)| i).collect();
    assert_eq!(failed.len(), 3, "{failed:?}");
    assert!(failed.iter().all(|i| [1, 11, 31, 41].contains(i)), "{failed:?}");
    assert_eq!(count(&folder), 57);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_takes_nobody_else_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    run(&writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)".into()).await.unwrap();
    let results = join_all((0..60_i64).map(|i| {
        let writer = writer.clone();
        async move {
            writer
                .run(Manner::PLAIN, move |conn| {
                    diesel::sql_query(format!("INSERT INTO t VALUES ({i})")).execute(conn)?;
                    assert_ne!(i % 20, 9, "a defect");
                    Ok(())
                })
                .await
        }
    }))
    .await;
    let failed = results.iter().filter(|result| matches!(result, Err(Error::Internal(_)))).count();
    assert_eq!((failed, results.iter().filter(|result| result.is_ok()).count()), (3, 57));
    assert_eq!(count(&folder), 57);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_at_once_share_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    run(&writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)".into()).await.unwrap();
    let hold = std::sync::Arc::new(std::sync::Barrier::new(2));
    let held = {
        let (writer, hold) = (writer.clone(), hold.clone());
        tokio::spawn(async move {
            writer
                .run(Manner::PLAIN, move |_| {
                    hold.wait();
                    hold.wait();
                    Ok(())
                })
                .await
        })
    };
    // The writer is busy; a hundred more queue up behind it.
    hold.wait();
    let before = frames(&folder);
    let others: Vec<_> = (0..100)
        .map(|i| {
            let writer = writer.clone();
            tokio::spawn(async move { run(&writer, format!("INSERT INTO t VALUES ({i})")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    hold.wait();
    held.await.unwrap().unwrap();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(count(&folder), 100);
    // Each commit writes at least the one page of the table to the log: a hundred of them would be a hundred pages.
    let written = frames(&folder) - before;
    assert!((1..=5).contains(&written), "{written} pages");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_in_no_hurry_shares_the_next_commit_and_does_not_wait_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    run(&writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)".into()).await.unwrap();
    let insert = |manner: Manner, i: i64| {
        let writer = writer.clone();
        tokio::spawn(async move {
            let insert = format!("INSERT INTO t VALUES ({i})");
            writer.run(manner, move |conn| Ok(diesel::sql_query(&insert).execute(conn).map(drop)?)).await
        })
    };
    let before = frames(&folder);
    let mut work: Vec<_> = (0..40).map(|i| insert(Manner::BARE.whenever(), i)).collect();
    work.extend((40..50).map(|i| insert(Manner::PLAIN.whenever(), i)));
    // One of them fails, alone.
    work.push(insert(Manner::PLAIN.whenever(), 49));
    let mut failed = 0;
    for work in work {
        failed += usize::from(work.await.unwrap().is_err());
    }
    assert_eq!((failed, count(&folder)), (1, 50));
    let written = frames(&folder) - before;
    assert!((1..=5).contains(&written), "{written} pages");
    // Whoever is in a hurry takes along what waits.
    let before = frames(&folder);
    let insert = |i: i64| {
        let insert = format!("INSERT INTO t VALUES ({i})");
        move |conn: &mut AnyConnection| Ok(diesel::sql_query(&insert).execute(conn).map(drop)?)
    };
    let (waited, hurried) =
        tokio::join!(writer.run(Manner::BARE.whenever(), insert(100)), writer.run(Manner::PLAIN, insert(101)),);
    waited.and(hurried).unwrap();
    assert_eq!((count(&folder), frames(&folder) - before), (52, 1));
}

/// Pages in the write-ahead log: 32 bytes of header, then 24 + 4 096 each.
fn frames(folder: &tempfile::TempDir) -> u64 {
    let bytes = std::fs::metadata(folder.path().join("test.db-wal")).unwrap().len();
    bytes.saturating_sub(32) / (24 + 4_096)
}
