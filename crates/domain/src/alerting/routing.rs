//! Who is told of a transition, and what holds it back: routes choose channels, silences and maintenance windows hold
//! back, and a channel that is disabled or paused takes nothing. Every channel that was thought of gets a verdict, so that
//! "why was I (not) told?" has an answer for each.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::alerting::channel::ChannelType;
use crate::alerting::maintenance::Schedule;
use crate::alerting::matcher::{Matcher, Subject};
use crate::alerting::notification::{NotifiedTransition, in_words};
use crate::ids::{ChannelId, MaintenanceWindowId, RouteId, SilenceId};

/// One route; routes are asked in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub id: RouteId,
    pub name: String,
    pub matcher: Matcher,
    /// Whom it tells; nobody when empty.
    pub channels: Vec<ChannelId>,
    /// Whether the routes behind it are asked as well when it matches.
    pub continues: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    pub id: SilenceId,
    pub reason: String,
    pub matcher: Matcher,
    pub starts_at: OffsetDateTime,
    pub ends_at: OffsetDateTime,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaintenanceWindow {
    pub id: MaintenanceWindowId,
    pub name: String,
    pub matcher: Matcher,
    pub schedule: Schedule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: ChannelId,
    pub name: String,
    pub kind: ChannelType,
    pub enabled: bool,
    pub paused: bool,
}

/// Everything that decides, as it stands at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Those that are enabled, in their order.
    pub routes: Vec<Route>,
    pub silences: Vec<Silence>,
    /// Those that are enabled.
    pub windows: Vec<MaintenanceWindow>,
    /// All that are not deleted.
    pub channels: Vec<Channel>,
}

/// What chose a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum ChosenBy {
    /// No route matched, so every channel is told.
    Default,
    Route {
        route_id: RouteId,
        name: String,
    },
    /// The channel was told that the incident opened.
    Opening,
    /// Nobody whom the routes chose can take it, and it is about a channel that takes nothing any more.
    AnyOther,
}

/// What holds a notification back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "held_by", rename_all = "snake_case")]
pub enum HeldBack {
    Silence {
        silence_id: SilenceId,
        reason: String,
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    Maintenance {
        window_id: MaintenanceWindowId,
        name: String,
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    ChannelDisabled,
    ChannelPaused,
    /// The channel was not told that the incident opened, so it is not told what became of it.
    OpeningHeld,
    /// The incident was put off; what is still true then is told when it wakes.
    Snoozed {
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
}

impl HeldBack {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Silence { .. } => "silence",
            Self::Maintenance { .. } => "maintenance",
            Self::ChannelDisabled => "channel_disabled",
            Self::ChannelPaused => "channel_paused",
            Self::OpeningHeld => "opening_held",
            Self::Snoozed { .. } => "snoozed",
        }
    }

    /// When it is looked at again by itself; who wakes an incident looks after what the wait held back.
    pub fn until(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Silence { until, .. } | Self::Maintenance { until, .. } => Some(*until),
            Self::ChannelDisabled | Self::ChannelPaused | Self::OpeningHeld | Self::Snoozed { .. } => None,
        }
    }

    /// Whether the notification may still be sent, once what holds it is over and the incident is not.
    pub fn may_end(&self) -> bool {
        match self {
            Self::Silence { .. } | Self::Maintenance { .. } | Self::ChannelPaused | Self::Snoozed { .. } => {
                true
            }
            Self::ChannelDisabled | Self::OpeningHeld => false,
        }
    }

    pub fn in_words(&self) -> String {
        match self {
            Self::Silence { reason, .. } => format!("a silence holds it back: {reason}"),
            Self::Maintenance { name, .. } => format!("the maintenance window {name} holds it back"),
            Self::ChannelDisabled => "the channel is disabled".to_owned(),
            Self::ChannelPaused => "the channel is paused since it kept failing".to_owned(),
            Self::OpeningHeld => "the channel was not told that the incident opened".to_owned(),
            Self::Snoozed { until } => format!("the incident is snoozed until {}", in_words(*until)),
        }
    }
}

/// One channel, why it, and what holds the notification back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub channel_id: ChannelId,
    pub chosen_by: ChosenBy,
    pub held: Option<HeldBack>,
}

impl Target {
    /// The same while the incident is snoozed: whatever may be told later is, when it wakes.
    pub fn snoozed(self, until: Option<OffsetDateTime>) -> Self {
        let is_final = self.held.as_ref().is_some_and(|held| !held.may_end());
        match until {
            Some(until) if !is_final => Self {
                held: Some(HeldBack::Snoozed { until }),
                ..self
            },
            Some(_) | None => self,
        }
    }
}

/// What became of the opening of an incident at a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    pub channel_id: ChannelId,
    /// Held back, and not sent since.
    pub held: bool,
}

impl Policy {
    /// Who is to be called: that an incident opened, or that it is open again or more urgent. Nobody is chosen twice.
    pub fn opened(&self, subject: &Subject, now: OffsetDateTime) -> Vec<Target> {
        let held = self.held(subject, now);
        let chosen = self.chosen(subject);
        chosen
            .into_iter()
            .map(|(channel, chosen_by)| Target {
                channel_id: channel.id,
                chosen_by,
                held: held.clone().or_else(|| unable(channel)),
            })
            .collect()
    }

    /// The same of an incident about several problems: whoever is called of any of them, once; held back only where all are.
    pub fn called(&self, subjects: &[Subject], now: OffsetDateTime) -> Vec<Target> {
        let mut called: Vec<Target> = Vec::new();
        for target in subjects.iter().flat_map(|subject| self.opened(subject, now)) {
            match called
                .iter_mut()
                .find(|known| known.channel_id == target.channel_id)
            {
                Some(known) if known.held.is_some() && target.held.is_none() => *known = target,
                Some(_) => {}
                None => called.push(target),
            }
        }
        called
    }

    /// Who is to be told what became of an incident: those who were told that it opened; and of its end also channels that
    /// are newer than the incident. Silences hold nothing back here, since whoever was told waits for the end.
    pub fn followed(
        &self,
        subjects: &[Subject],
        transition: NotifiedTransition,
        openings: &[Opening],
    ) -> Vec<Target> {
        let opening = |id| openings.iter().find(|opening| opening.channel_id == id);
        let told = self.channels.iter().filter_map(|channel| {
            let opening = opening(channel.id)?;
            let held = if opening.held {
                Some(HeldBack::OpeningHeld)
            } else {
                unable(channel)
            };
            Some((channel, ChosenBy::Opening, held))
        });
        let mut new: Vec<(&Channel, ChosenBy, Option<HeldBack>)> = Vec::new();
        for (channel, chosen_by) in subjects.iter().flat_map(|subject| self.chosen(subject)) {
            let is_known =
                opening(channel.id).is_some() || new.iter().any(|(known, _, _)| known.id == channel.id);
            if transition == NotifiedTransition::Resolved && !is_known {
                new.push((channel, chosen_by, unable(channel)));
            }
        }
        told.chain(new)
            .filter(|(channel, _, _)| channel.kind.is_told(transition))
            .map(|(channel, chosen_by, held)| Target {
                channel_id: channel.id,
                chosen_by,
                held,
            })
            .collect()
    }

    /// The same for an incident about a channel: if none of the chosen can take it, every other channel is told.
    pub fn opened_about_a_channel(
        &self,
        subject: &Subject,
        about: ChannelId,
        now: OffsetDateTime,
    ) -> Vec<Target> {
        let mut targets = self.opened(subject, now);
        let is_taken = |target: &Target| target.held.is_none() && target.channel_id != about;
        if targets.iter().any(is_taken) {
            return targets;
        }
        let known: Vec<ChannelId> = targets.iter().map(|target| target.channel_id).collect();
        let others = self.channels.iter().filter(|channel| {
            !known.contains(&channel.id) && unable(channel).is_none() && channel.id != about
        });
        targets.extend(others.map(|channel| Target {
            channel_id: channel.id,
            chosen_by: ChosenBy::AnyOther,
            held: None,
        }));
        targets
    }

    /// What holds back whatever is told of this subject: of several, what ends last, so that it need not be looked at twice.
    pub fn held(&self, subject: &Subject, now: OffsetDateTime) -> Option<HeldBack> {
        let silences = self
            .silences
            .iter()
            .filter(|silence| silence.starts_at <= now && now < silence.ends_at)
            .filter(|silence| silence.matcher.matches(subject))
            .map(|silence| HeldBack::Silence {
                silence_id: silence.id,
                reason: silence.reason.clone(),
                until: silence.ends_at,
            });
        let windows = self
            .windows
            .iter()
            .filter(|window| window.matcher.matches(subject))
            .filter_map(|window| {
                let until = window.schedule.active_at(now)?.end;
                Some(HeldBack::Maintenance {
                    window_id: window.id,
                    name: window.name.clone(),
                    until,
                })
            });
        silences.chain(windows).max_by_key(HeldBack::until)
    }

    /// The same of several problems that are told as one: only where each of them is held back.
    pub fn held_for_all(&self, subjects: &[Subject], now: OffsetDateTime) -> Option<HeldBack> {
        let held: Option<Vec<HeldBack>> = subjects.iter().map(|subject| self.held(subject, now)).collect();
        held?.into_iter().min_by_key(HeldBack::until)
    }

    /// Why a channel takes nothing at present.
    pub fn unable(&self, id: ChannelId) -> Option<HeldBack> {
        let channel = self.channels.iter().find(|channel| channel.id == id);
        channel.map_or(Some(HeldBack::ChannelDisabled), unable)
    }

    fn chosen(&self, subject: &Subject) -> Vec<(&Channel, ChosenBy)> {
        let mut chosen: Vec<(&Channel, ChosenBy)> = Vec::new();
        let mut matched = false;
        for route in self.routes.iter().filter(|route| route.matcher.matches(subject)) {
            matched = true;
            let by = || ChosenBy::Route {
                route_id: route.id,
                name: route.name.clone(),
            };
            for id in &route.channels {
                let is_new = chosen.iter().all(|(channel, _)| channel.id != *id);
                let known = self.channels.iter().find(|channel| channel.id == *id);
                chosen.extend(known.filter(|_| is_new).map(|channel| (channel, by())));
            }
            if !route.continues {
                break;
            }
        }
        if matched {
            return chosen;
        }
        // As it was before there were routes: a channel that is disabled is nobody's choice.
        self.channels
            .iter()
            .filter(|channel| channel.enabled)
            .map(|channel| (channel, ChosenBy::Default))
            .collect()
    }
}

fn unable(channel: &Channel) -> Option<HeldBack> {
    if !channel.enabled {
        Some(HeldBack::ChannelDisabled)
    } else if channel.paused {
        Some(HeldBack::ChannelPaused)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
