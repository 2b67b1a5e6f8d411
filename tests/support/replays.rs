//! Every session that a test records is run once more without a cluster, a model and a person, and must come out the same.

use std::{fs, path::Path};

use todo_agent::{
    problem::Problem,
    replay::replay,
    session::{Chain, read_file},
};

/// Checks the sessions below a state directory; those that the test changed itself are passed over.
pub(crate) fn check(state: &Path) {
    let folder = state.join("sessions");
    let Ok(files) = fs::read_dir(&folder) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for file in files.flatten() {
        let Ok(recorded) = read_file(&file.path()) else { continue };
        if matches!(recorded.chain, Chain::Broken(_)) || recorded.meta["v"] != 2 {
            continue;
        }
        let earlier = |id: &str| {
            read_file(&folder.join(format!("{id}.jsonl"))).map_err(|error| Problem::state(error.to_string()))
        };
        let replayed = runtime.block_on(replay(&recorded, earlier));
        let name = file.file_name();
        let replayed = replayed.unwrap_or_else(|problem| panic!("{} cannot be replayed: {problem}", name.display()));
        if let Some(difference) = replayed.difference {
            let record = fs::read_to_string(file.path()).unwrap();
            panic!("{} does not replay as recorded: {}\n{record}", name.display(), difference.describe());
        }
    }
}
