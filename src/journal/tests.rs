//! The journal as a later process finds it.

use todo_agent_core::{
    Outcome,
    journal::{Entry, StepRecord},
    view::TargetView,
};

use super::*;

struct Place {
    _folder: tempfile::TempDir,
    state: StateDirectory,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDirectory::at(folder.path().join("state")).unwrap();
    Place { _folder: folder, state }
}

fn record(change_id: &str, entry: Entry) -> JournalRecord {
    JournalRecord { at: "2026-05-01T10:00:00Z".parse().unwrap(), change_id: change_id.into(), entry }
}

fn approved(change_id: &str, undoes: Option<&str>) -> JournalRecord {
    let target = TargetView {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some("todo".into()),
        name: "backend".into(),
    };
    let step = StepRecord { summary: "scale".into(), verb: "scale".into(), target, uid: None, digest: "d".into() };
    record(
        change_id,
        Entry::Approved {
            cluster: "k".into(),
            by: "person".into(),
            steps: vec![step],
            undo: Vec::new(),
            undoes: undoes.map(str::to_owned),
        },
    )
}

fn sending(change_id: &str) -> JournalRecord {
    record(change_id, Entry::Sending { n: 1, digest: "d".into() })
}

fn settled(change_id: &str, result: Outcome) -> JournalRecord {
    record(change_id, Entry::Settled { n: 1, result })
}

fn done() -> Outcome {
    Outcome::Done { output: "3 of 3 replicas available".into() }
}

fn write(place: &Place, records: impl IntoIterator<Item = JournalRecord>) -> FileHistory {
    let mut journal = FileJournal::open(&place.state, "uid-1").unwrap();
    for record in records {
        journal.append(&record).unwrap();
    }
    journal.history()
}

fn last(history: &FileHistory) -> Option<String> {
    history.last().map(|change| change.change_id)
}

#[test]
fn a_change_is_found_again_by_another_process() {
    let place = place();
    write(&place, [approved("c-1", None), sending("c-1"), settled("c-1", done())]);
    let history = FileHistory::new(&place.state, "uid-1");
    assert_eq!(history.find("c-1").unwrap().outcomes, [Some(done())]);
    assert_eq!(last(&history).as_deref(), Some("c-1"));
    assert_eq!(history.find("c-2"), None);
    assert!(FileHistory::new(&place.state, "uid-2").last().is_none());
}

#[test]
fn a_request_without_an_answer_is_unfinished() {
    let place = place();
    let history = write(&place, [approved("c-1", None), sending("c-1")]);
    let unfinished = history.unfinished();
    assert_eq!((unfinished.len(), unfinished[0].unanswered.as_slice()), (1, [1].as_slice()));
    assert_eq!(last(&history).as_deref(), Some("c-1"), "it may have changed the cluster");
}

#[test]
fn a_change_that_never_reached_the_cluster_is_not_the_last() {
    let place = place();
    let failed = Outcome::Failed { why: "refused".into() };
    let history =
        write(&place, [approved("c-1", None), settled("c-1", done()), approved("c-2", None), settled("c-2", failed)]);
    assert_eq!(last(&history).as_deref(), Some("c-1"));
}

#[test]
fn undoing_twice_goes_two_changes_back() {
    let place = place();
    let done = |id: &str, undoes| [approved(id, undoes), settled(id, done())];
    let history = write(&place, [done("c-1", None), done("c-2", None), done("c-3", Some("c-2"))].concat());
    assert_eq!(last(&history).as_deref(), Some("c-1"));
    assert_eq!(history.find("c-2").unwrap().undone_by.as_deref(), Some("c-3"));
    write(&place, done("c-4", Some("c-1")));
    assert_eq!(last(&history), None);
    write(&place, done("c-5", Some("c-4")));
    assert_eq!(last(&history).as_deref(), Some("c-1"), "an undo that was undone counts no more");
}

#[test]
fn an_undo_that_never_reached_the_cluster_undid_nothing() {
    let moved = Outcome::Moved { why: "replicas changed".into() };
    let place = place();
    let history = write(
        &place,
        [approved("c-1", None), settled("c-1", done()), approved("c-2", Some("c-1")), settled("c-2", moved)],
    );
    assert_eq!(last(&history).as_deref(), Some("c-1"));
}

#[test]
fn a_torn_line_costs_only_itself() {
    let place = place();
    let history = write(&place, [approved("c-1", None), settled("c-1", done())]);
    let mut bytes = fs::read(&history.path).unwrap();
    bytes.extend(br#"{"at":"2026-05-01T10:00:00Z","change_id":"c-2","rec"#);
    fs::write(&history.path, &bytes).unwrap();
    assert_eq!(last(&history).as_deref(), Some("c-1"));
    write(&place, [approved("c-3", None), settled("c-3", done())]);
    assert_eq!(last(&history).as_deref(), Some("c-3"));
    assert!(fs::read(&history.path).unwrap().starts_with(&bytes), "nothing written is ever changed");
}

#[test]
fn processes_that_write_at_once_do_not_tear_each_others_lines() {
    let place = place();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let state = &place.state;
            scope.spawn(move || {
                let mut journal = FileJournal::open(state, "uid-1").unwrap();
                for change in 0..25 {
                    journal.append(&approved(&format!("c-{writer}-{change}"), None)).unwrap();
                }
            });
        }
    });
    let history = FileHistory::new(&place.state, "uid-1");
    assert_eq!(read_records(&history.path).unwrap().len(), 100);
}

#[test]
fn an_identity_cannot_leave_the_folder() {
    assert_eq!(file_name("../../etc/passwd"), "______etc_passwd.jsonl");
    assert_eq!(file_name("5f1d0d3e-aa11"), "5f1d0d3e-aa11.jsonl");
    assert!(file_name(&"x".repeat(5000)).len() < 120);
}

#[test]
fn a_cluster_that_is_only_read_leaves_no_journal() {
    let place = place();
    let journal = FileJournal::open(&place.state, "uid-1").unwrap();
    assert!(journal.history().last().is_none());
    assert_eq!(fs::read_dir(place.state.path().join("journal")).unwrap().count(), 0);
}

#[test]
fn the_journals_of_discarded_sandboxes_do_not_pile_up() {
    let place = place();
    FileJournal::open(&place.state, "uid-1").unwrap().append(&approved("c-1", None)).unwrap();
    for run in 100..100 + KEPT_SANDBOXES + 5 {
        let mut journal = FileJournal::open(&place.state, &format!("{SANDBOX_IDENTITY}{run}")).unwrap();
        journal.append(&approved("c-1", None)).unwrap();
    }
    let folder = place.state.path().join("journal");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), KEPT_SANDBOXES + 1);
    assert!(folder.join("uid-1.jsonl").exists());
    assert!(!folder.join("sandbox-104.jsonl").exists() && folder.join("sandbox-105.jsonl").exists());
}

#[test]
fn a_journal_that_cannot_be_written_says_so() {
    let place = place();
    let mut journal = FileJournal::open(&place.state, "uid-1").unwrap();
    fs::create_dir(place.state.path().join("journal/uid-1.jsonl")).unwrap();
    let error = journal.append(&approved("c-1", None)).unwrap_err();
    assert!(error.to_string().starts_with("the journal cannot be written: "), "{error}");
}

#[test]
fn what_was_sent_and_only_looked_at_since_may_still_be_undone() {
    let place = place();
    let examined = record("c-1", Entry::Examined { n: 1, finding: "it asks for 3 replicas".into() });
    let history = write(&place, [approved("c-1", None), sending("c-1"), examined]);
    assert!(history.unfinished().is_empty(), "it is reported once");
    let last = history.last().unwrap();
    assert_eq!(last.outcomes, [Some(Outcome::Unknown { why: "it asks for 3 replicas".into() })]);
}

#[test]
fn a_journal_that_was_removed_meanwhile_does_not_swallow_what_follows() {
    let place = place();
    let mut journal = FileJournal::open(&place.state, "uid").unwrap();
    journal.append(&approved("c-1", None)).unwrap();
    fs::remove_file(&journal.path).unwrap();
    journal.append(&approved("c-2", None)).unwrap();
    assert!(journal.history().find("c-2").is_some());
    // Nor does one whose folder is gone: without a record nothing may be sent.
    fs::remove_dir_all(journal.path.parent().unwrap()).unwrap();
    assert!(journal.append(&approved("c-3", None)).is_err());
}
