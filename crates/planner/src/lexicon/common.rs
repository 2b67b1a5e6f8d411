//! Everyday and cluster words that are never taken for a name, however they stand.
//!
//! Without this list "restart everything carefully" would look for a workload called `carefully`. A word in
//! here is still a name when it is quoted or when something in the cluster is called exactly so.

use std::{collections::HashSet, sync::LazyLock};

const WORDS: &str = "
a about above across after afterwards again against ago ahead all almost alone along already also although always am
among an and another any anybody anyone anything anyway anywhere are area around as aside ask at away back bad be became
because become becomes been before begin behind being below beside besides best better between beyond big bit both
bottom break broke broken busy but by call called can cannot careful carefully case cause caused causes certain change
changed changes changing check checked close come comes coming common complete completely completed consider could
count current currently cut daily dare date day days decide deep definitely did different do does doing don't done down
due during each early easily easy either else empty end enough entire especially etc even evening eventually ever every
everybody everyone everything everywhere exact except exist existing exists expected explain extra fact fail failed
failing fails false far fast faster few fewer final find fine first five fix fixed following for forever forget former
forward four free from full fully further gently get gets getting give given go goes going gone gonna good got gotta
gracefully great guess had half happen happened happening happens hard has have having he heard heavy help helped her
here high higher him himself his hold hope hour hours how however i idea if immediate important impossible in inside
instead into is isn't issue issues it its itself job keep kept kind knew know known large last late lately later latest
latter least leave left less let level life like likely list little live load loading local long longer look looking
looks lot lots low lower made main mainly make makes making manual many may maybe me mean means meant mess might mine
minute minutes miss missing moment monday month months more morning most mostly much must my myself name named near
nearly necessary need needed needs neither never new news next nice night no nobody none nor normal normally not nothing
notice now nowhere number numbers obviously of off often old older on once one ones only onto open opposite or order
other others otherwise ought our out outside over overnight own part parts per perhaps person place plain plan please
plenty point possible possibly prefer present previous probably problem problems process proper properly purpose put
quick quickly quite rather read ready real really reason recent recently regarding remaining remember respectively rest
right risk run running runs safe safely said same saw say saying says second seconds see seem seems seen send sense set
several shall she short should show shut side similar simple since six size slightly slow slower slowly small smaller so
some somebody somehow someone something sometime sometimes somewhere soon sorry start started starting starts state
step still stop stopped stopping stops stuff such sudden suddenly sunday sure tail take taken takes taking talk tell ten
test than that the their them themselves then there therefore these they thing things think this those though thought
three through till time times to today together told tomorrow tonight too took top total totally toward towards tried
trouble true try trying tuesday two under understand unhealthy unless until up upon us usage use used useful using
usual usually utterly various version versions very via wait waiting want wanted wants was watch way we wednesday week
weekend weeks well went were what whatever when whenever where wherever whether which while who whole whom whose why will
wish with within without won't wonder word work worked working works worse worst would write wrong year years yes
yesterday yet you your yours yourself thursday friday saturday noon midnight afternoon january february
accordingly additional aggressively apparently approximately roughly circa bis auf und oder bitte nicht mit von
the der die das el la los las le les por para favor und zu
add adjust analyse analyze annotate annotation annotations apply attach audit autoscale backup bind boot build bump
cancel clean clear clone cluster clusters clone command commands compare config configuration configure connect context
convert copy cordon cost cpu cpus crash crashed crashes crashing create created cron curl customise debug delete deleted
deleting dependency deploy deployed deploying destroy detail details diagnose diff disable disk docker downgrade drain
drop dump edit eject enable endpoint env environment error errors evict evicted exec execute expose expand extend
fatal forward generate healthy health heal helm chart charts image images improve increase info information inspect
install installed join kill killed kubernetes k8s label labels latency limit limits lines line link log logged logging
logs machine machines manifest manifests measure memory merge migrate minikube mount move network namespace namespaces
oom optimise optimize overview patch pause paused pausing performance ping policy port ports print privileges provision
prune pull push query reboot rebooted rebuild recreate redeploy reduce refresh release releases reload remove removed
rename replace replica replicas report request requests reset resource resources restarted restarting restarts restore
result resume resumed resuming revert reverted revision revisions rolled rolling rollout rotate save scaled scales
scaling schedule scheduled script search secure security shell shrink shutdown spare ssh stable stability status
stateless storage suggest suggestion suggestions suspend switch sync taint terminate terminated test throttle token
traffic traced transfer trigger troubleshoot tune turn uncordon uninstall undone undoing unstable update updated upgrade
upgraded uptime user users utilisation utilization validate value values verify view volume volumes warn warning
warnings yaml json table wide verbose poem joke weather story song milliseconds gb mb gib mib ram percent
retries retry attempts ttl verbosity capacity quality rate rates ratio factor depth width height length offset padding budget quorum
names nouns oldest newest youngest biggest smallest terminating completed evicted succeeded describe desc inspect examine scale restart rollback list logs events event show display wait await bounce container
containers computer laptop browser phone router internet vm hardware timeout probe liveness readiness startup parallelism
concurrency threads interval priority weight sidecars affinity toleration tolerations strategy surge pool pools replicaset
namespaces ns kubeconfig credentials password passwords admin root sudo approve approval permission permissions canary
phrase sentence word translate language german english french spanish everything's something's nothing's
unset persistent grant autoscaling ram cores core access group groups allow evacuate destroy
zero times twice double triple halve halved doubled quadruple dozen couple hundred thousand million
max maximum min minimum limit average level
";

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| WORDS.split_whitespace().collect());

/// Common words that are also usual names; they are names where a kind or "namespace" stands before them.
const ALSO_NAMES: &[&str] = &[
    "admin",
    "backup",
    "build",
    "config",
    "context",
    "cron",
    "default",
    "disk",
    "docker",
    "env",
    "events",
    "health",
    "image",
    "images",
    "label",
    "link",
    "live",
    "load",
    "logging",
    "logs",
    "main",
    "migrate",
    "minikube",
    "mount",
    "network",
    "performance",
    "policy",
    "port",
    "process",
    "query",
    "release",
    "releases",
    "report",
    "search",
    "security",
    "shell",
    "stable",
    "state",
    "status",
    "storage",
    "system",
    "tests",
    "test",
    "token",
    "traffic",
    "user",
    "users",
    "worker",
    "restore",
    "merge",
    "sync",
    "prune",
    "script",
    "validate",
    "root",
    "canary",
];

/// Returns whether a word that stands after a kind can be a name, although it is a common word.
pub(crate) fn may_follow_a_kind(word: &str) -> bool {
    ALSO_NAMES.contains(&word)
}

/// Returns whether `word` (in lower case) is a common word and so, by itself, no name.
pub(crate) fn is_common(word: &str) -> bool {
    COMMON.contains(word) || word.contains('\'')
}
