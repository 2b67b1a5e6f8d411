//! Into a container and out again: a command, and a port that leads there.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    place::Place,
    scenario::{Scenario, scenario},
    site::Site,
    support::forwarded::address_of,
};

pub(crate) const SCENARIOS: &[Scenario] =
    &[scenario!(a_command_runs_and_its_end_is_told), scenario!(a_port_leads_into_a_pod_until_it_is_closed)];

fn a_command_runs_and_its_end_is_told(site: &Site) {
    let place = Place::with(site, "redis");
    let unasked = place.run(&["run redis-cli ping in redis", "--yes=high"]).exits(3);
    unasked.says("a command in a container is always asked about").enough();
    assert!(place.environment.journal().is_empty());
    let run = |command: &str| place.run(&["--unattended", command]);
    run("run redis-cli ping in redis").exits(0).says("| PONG").says("exit status 0").enough();
    run("run \"sh -c 'echo half >&2; exit 3'\" in redis").exits(1).says("! half").says("exit status 3").enough();
    run("run psql in redis").exits(1).says("the container has no such program").says("\"psql\"").enough();
    run("run \"redis-cli ping\" in pod redis-9").exits(1).says("redis-0").enough();
    if place.tells_requests() {
        assert_eq!(place.writes().len(), 3, "each command was sent once");
    }
}

fn a_port_leads_into_a_pod_until_it_is_closed(site: &Site) {
    let place = Place::with(site, "redis");
    let silent = place.run(&["--yes", "forward port 1234 of redis to any free port"]).exits(1);
    silent.says("nobody listens on that port in the pod").enough();

    let mut child = place.start(&["--yes", "forward redis to any free port"]);
    let address = address_of(&mut child);
    for _ in 0..3 {
        let mut socket = TcpStream::connect(&address).unwrap();
        socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        socket.write_all(b"PING\r\n").unwrap();
        let mut answer = [0; 7];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"+PONG\r\n");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    place.end(child).exits(0).enough();
    assert!(TcpStream::connect(&address).is_err(), "closed with the program");
}
