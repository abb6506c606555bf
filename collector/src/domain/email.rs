//! What became of the messages that somebody was sent: arrived, bounced, opened or not, clicked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    activity::{Activity, ActivityKind},
    record::{Record, Told},
};

/// What became of one message. Times are ms since the epoch, the earliest of each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Message {
    /// The sender's own name of it; `None` for all that name none.
    pub message: Option<String>,
    /// The campaign that it is of.
    pub campaign: Option<String>,
    /// When it was sent.
    pub sent_at: Option<i64>,
    /// When it came back.
    pub bounced_at: Option<i64>,
    /// When its pictures were fetched first.
    pub opened_at: Option<i64>,
    /// How often it was told that they were.
    pub opens: u32,
    /// When a link in it was followed first.
    pub clicked_at: Option<i64>,
    /// How often it was told that one was.
    pub clicks: u32,
    /// Which links, each once, the first followed first.
    pub clicked: Vec<String>,
}

impl Message {
    /// Whether somebody saw it: who follows a link has opened it, also where pictures are shut out.
    #[must_use]
    pub fn is_opened(&self) -> bool {
        self.opened_at.is_some() || self.clicked_at.is_some()
    }

    /// When something is known of it first.
    fn began(&self) -> Option<i64> {
        [self.sent_at, self.bounced_at, self.opened_at, self.clicked_at].into_iter().flatten().min()
    }

    fn add(&mut self, activity: &Activity) {
        let at = activity.at;
        let earlier = |known: &mut Option<i64>| *known = Some(known.map_or(at, |known| known.min(at)));
        match activity.kind {
            ActivityKind::EmailSent => earlier(&mut self.sent_at),
            ActivityKind::EmailBounced => earlier(&mut self.bounced_at),
            ActivityKind::EmailOpened => {
                earlier(&mut self.opened_at);
                self.opens = self.opens.saturating_add(1);
            }
            ActivityKind::EmailClicked => {
                earlier(&mut self.clicked_at);
                self.clicks = self.clicks.saturating_add(1);
                self.clicked.extend(activity.link.clone().filter(|link| !self.clicked.contains(link)));
            }
            _ => {}
        }
        if self.campaign.is_none() {
            self.campaign.clone_from(&activity.campaign);
        }
    }
}

/// The messages that records tell of, the oldest first. In whatever order they were told, the answer is the same.
#[must_use]
pub fn messages(told: &[Told<'_>]) -> Vec<Message> {
    let mut of_emails: Vec<&Activity> = told
        .iter()
        .filter(|told| !told.amended)
        .filter_map(|told| match told.record {
            Record::Activity(activity) if activity.kind.is_email() => Some(activity),
            _ => None,
        })
        .collect();
    of_emails.sort_by_key(|activity| (activity.at, activity.kind, &activity.external_id));
    let mut by_name: BTreeMap<Option<&str>, Message> = BTreeMap::new();
    for activity in of_emails {
        let name = activity.message.as_deref();
        let fresh = || Message { message: activity.message.clone(), ..Message::default() };
        by_name.entry(name).or_insert_with(fresh).add(activity);
    }
    let mut messages: Vec<Message> = by_name.into_values().collect();
    messages.sort_by_key(Message::began);
    messages
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{fact::Entry, id::LeadId, record};

    fn activity(at: i64, kind: ActivityKind, message: Option<&str>, link: Option<&str>) -> Entry {
        Entry::Activity(Activity {
            lead: LeadId::of_event("p-1"),
            kind,
            at,
            received_at: at,
            external_id: format!("{at}"),
            message: message.map(str::to_owned),
            campaign: (kind == ActivityKind::EmailSent).then(|| "otono".to_owned()),
            link: link.map(str::to_owned),
            score: None,
            props: BTreeMap::new(),
            note: None,
        })
    }

    fn of(entries: &[Entry]) -> Vec<Message> {
        messages(&record::told((1..).zip(entries)))
    }

    #[test]
    fn sent_and_never_opened_is_told_from_opened_and_from_clicked_without_pictures() {
        use ActivityKind::{EmailBounced, EmailClicked, EmailOpened, EmailSent, SurveyResponse};
        let (a, b, c) = (Some("a"), Some("b"), Some("c"));
        let found = of(&[
            activity(30, EmailSent, c, None),
            activity(10, EmailSent, a, None),
            activity(20, EmailSent, b, None),
            activity(41, EmailOpened, a, None),
            activity(40, EmailOpened, a, None),
            activity(50, EmailClicked, b, Some("oferta")),
            activity(51, EmailClicked, b, Some("precios")),
            activity(52, EmailClicked, b, Some("oferta")),
            activity(31, EmailBounced, c, None),
            activity(60, SurveyResponse, None, None),
        ]);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.message.as_deref(), one.sent_at, one.opened_at, one.opens, one.is_opened()))
            .collect();
        assert_eq!(
            told,
            [(a, Some(10), Some(40), 2, true), (b, Some(20), None, 0, true), (c, Some(30), None, 0, false)]
        );
        assert_eq!((found[1].clicks, found[1].clicked.join(" ")), (3, "oferta precios".to_owned()));
        assert_eq!((found[2].bounced_at, found[0].campaign.as_deref()), (Some(31), Some("otono")));
        assert!(of(&[]).is_empty());
    }

    #[test]
    fn an_amended_word_counts_as_it_was_said_last() {
        let mut entries = vec![activity(10, ActivityKind::EmailOpened, Some("a"), None)];
        let Entry::Activity(first) = &entries[0] else { unreachable!() };
        let amended = Activity { message: Some("b".to_owned()), received_at: 11, ..first.clone() };
        entries.push(Entry::Activity(amended));
        let found = of(&entries);
        assert_eq!((found.len(), found[0].message.as_deref(), found[0].opens), (1, Some("b"), 1));
    }

    proptest! {
        #[test]
        fn the_order_of_telling_changes_nothing(
            facts in prop::collection::vec((0..4_usize, 0..3_usize, 0..3_usize), 0..12).prop_shuffle(),
            by in any::<prop::sample::Index>(),
        ) {
            let kinds = [
                ActivityKind::EmailSent, ActivityKind::EmailBounced, ActivityKind::EmailOpened, ActivityKind::EmailClicked,
            ];
            let names = [None, Some("a"), Some("b")];
            // Each at a moment and with an id of its own.
            let entry = |(at, (kind, message, link)): (i64, &(usize, usize, usize))| {
                activity(at, kinds[*kind], names[*message], names[*link])
            };
            let mut entries: Vec<Entry> = (0..).zip(&facts).map(entry).collect();
            let expected = of(&entries);
            if !entries.is_empty() {
                let middle = by.index(entries.len());
                entries.rotate_left(middle);
            }
            prop_assert_eq!(of(&entries), expected.clone());
            entries.reverse();
            prop_assert_eq!(of(&entries), expected);
        }
    }
}
