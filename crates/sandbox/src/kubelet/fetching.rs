//! The first part of a container's start: its image, found on the node or pulled, with the alternation of
//! `ErrImagePull` and `ImagePullBackOff` when it cannot be had.

use jiff::Timestamp;
use serde_json::Value;

use super::container::{Container, LONGEST_BACK_OFF, Phase, PullFailure, SYNC_PERIOD, current_trouble, text};
use super::images::{self, Presence};
use super::machine::{Outcome, Surroundings};
use crate::durations::{after, between};
use crate::events::Occurrence;

impl Container {
    pub(super) fn fetch(&mut self, spec: &Value, around: &mut Surroundings<'_>, outcome: &mut Outcome) {
        let image = text(spec, "image");
        match images::presence(image, text(spec, "imagePullPolicy"), around.preloaded, around.pulled) {
            // A fault about the image means that it is not to be had at all.
            _ if current_trouble(spec, around).image_pull.is_some() => self.pull(image, around, outcome),
            Presence::ToPull => self.pull(image, around, outcome),
            Presence::Present => {
                let message =
                    format!("Container image \"{image}\" already present on machine and can be accessed by the pod");
                self.tell(outcome, Occurrence::normal("Pulled", message));
                self.has_image = true;
                self.configure(spec, around, outcome);
            }
            Presence::NeverPulled => {
                let message = format!("Container image \"{image}\" is not present with pull policy of Never");
                self.tell(outcome, Occurrence::warning("ErrImageNeverPull", message.clone()));
                self.tell(outcome, Occurrence::warning("Failed", "Error: ErrImageNeverPull"));
                self.pull_failure = Some(PullFailure { reason: "ErrImageNeverPull", message });
                self.phase = Phase::PullFailed { flip: None, retry: after(around.now, SYNC_PERIOD) };
            }
        }
    }

    pub(super) fn pull(&mut self, image: &str, around: &mut Surroundings<'_>, outcome: &mut Outcome) {
        self.tell(outcome, Occurrence::normal("Pulling", format!("Pulling image \"{image}\"")));
        let until = after(around.now, images::pull_time(around.random));
        self.phase = Phase::Pulling { since: around.now, until };
    }

    pub(super) fn pulled(
        &mut self,
        spec: &Value,
        since: Timestamp,
        around: &mut Surroundings<'_>,
        outcome: &mut Outcome,
    ) {
        let image = text(spec, "image");
        let now = around.now;
        if let Some(pull) = current_trouble(spec, around).image_pull {
            let message = images::pull_error(image, pull.error.as_deref());
            self.tell(outcome, Occurrence::warning("Failed", format!("Failed to pull image \"{image}\": {message}")));
            self.tell(outcome, Occurrence::warning("Failed", "Error: ErrImagePull"));
            self.pull_failure = Some(PullFailure { reason: "ErrImagePull", message });
            let flip = after(now, around.random.millis(900, 2500));
            self.phase = Phase::PullFailed { flip: Some(flip), retry: after(now, self.pull_delay) };
            self.pull_delay = (self.pull_delay * 2).min(LONGEST_BACK_OFF);
            return;
        }
        self.tell(outcome, Occurrence::normal("Pulled", images::pulled_message(image, between(since, now))));
        around.pulled.insert(image.to_owned());
        self.has_image = true;
        self.configure(spec, around, outcome);
    }

    pub(super) fn back_off_pull(&mut self, spec: &Value, retry: Timestamp, outcome: &mut Outcome) {
        let image = text(spec, "image");
        self.tell(outcome, Occurrence::normal("BackOff", format!("Back-off pulling image \"{image}\"")));
        self.tell(outcome, Occurrence::warning("Failed", "Error: ImagePullBackOff"));
        let cause = self.pull_failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default();
        self.pull_failure = Some(PullFailure {
            reason: "ImagePullBackOff",
            message: format!("Back-off pulling image \"{image}\": ErrImagePull: {cause}"),
        });
        self.phase = Phase::PullFailed { flip: None, retry };
    }
}
