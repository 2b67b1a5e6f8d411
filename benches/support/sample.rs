//! Times of the same thing, measured several times.
//!
//! The median is what is judged: the minimum flatters, and the maximum tells of the machine.

use std::time::{Duration, Instant};

/// Returns how long an act takes, and what came of it.
pub(crate) fn timed<T>(act: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = act();
    (start.elapsed(), result)
}

/// Returns how long a future takes, and what came of it.
pub(crate) async fn awaited<F: Future>(future: F) -> (Duration, F::Output) {
    let start = Instant::now();
    let result = future.await;
    (start.elapsed(), result)
}

/// Returns a duration in milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Times, in the order of their length once one is asked for.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    times: Vec<Duration>,
}

impl Sample {
    pub(crate) fn add(&mut self, time: Duration) {
        let place = self.times.partition_point(|other| *other < time);
        self.times.insert(place, time);
    }

    /// Measures an act several times.
    pub(crate) fn of<T>(rounds: usize, mut act: impl FnMut() -> T) -> Self {
        let mut sample = Self::default();
        for _ in 0..rounds {
            let (time, result) = timed(&mut act);
            std::hint::black_box(result);
            sample.add(time);
        }
        sample
    }

    /// Returns the shortest time in milliseconds.
    pub(crate) fn shortest(&self) -> f64 {
        self.times.first().copied().map(milliseconds).unwrap_or_default()
    }

    /// Returns the median in milliseconds; of an even number of times the longer of the middle two.
    pub(crate) fn median(&self) -> f64 {
        self.times.get(self.times.len() / 2).copied().map(milliseconds).unwrap_or_default()
    }

    /// Returns the longest time in milliseconds.
    pub(crate) fn longest(&self) -> f64 {
        self.times.last().copied().map(milliseconds).unwrap_or_default()
    }
}
