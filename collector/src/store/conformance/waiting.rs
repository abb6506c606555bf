//! Leads that wait: the same in memory as in their rows, whatever becomes of them.

use std::collections::BTreeMap;

use super::*;
use crate::{
    domain::{
        do_not_call::{DoNotCall, PhoneHash, Reason},
        event::Flag,
    },
    store::SealStep,
};

async fn commit(store: &dyn Store, from: u64, leads: &[Lead]) {
    let rows = leads.iter().map(|lead| Row::Lead(Box::new(lead.clone()))).collect();
    store.commit(Step { projector: "test", site: SITE, from, to: from + 1, rows }).await.unwrap();
}

/// Who waits, by when they came to be.
async fn waiting(store: &dyn Store) -> Vec<i64> {
    let mut all: Vec<i64> =
        store.waiting(SITE).await.unwrap().iter().map(|waiting| waiting.created_at).collect();
    all.sort_unstable();
    all
}

/// Follows what changes, and knows who waits by that alone.
#[derive(Default)]
struct Follower {
    mark: u64,
    known: BTreeMap<LeadId, i64>,
}

impl Follower {
    /// Who waits, and whether all of them were told again.
    async fn follow(&mut self, store: &dyn Store) -> (Vec<i64>, bool) {
        let news = store.waiting_since(SITE, self.mark).await.unwrap();
        self.mark = news.mark;
        let told_again = news.all.is_some();
        if let Some(all) = news.all {
            self.known = all.iter().map(|waiting| (waiting.lead.clone(), waiting.created_at)).collect();
        }
        for (lead, now) in news.changes {
            match now {
                Some(waiting) => drop(self.known.insert(lead, waiting.created_at)),
                None => drop(self.known.remove(&lead)),
            }
        }
        let mut all: Vec<i64> = self.known.values().copied().collect();
        all.sort_unstable();
        (all, told_again)
    }
}

#[test]
fn who_waits_is_known_as_steps_say_and_again_after_a_start() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let mut follower = Follower::default();
        assert_eq!(follower.follow(store.as_ref()).await, (vec![], true));
        let [one, two, three] =
            [("p-1", 10), ("p-2", 20), ("p-3", 30)].map(|(name, at)| super::derived::lead(name, at));
        commit(store.as_ref(), 0, &[one.clone(), two.clone()]).await;
        assert_eq!(waiting(store.as_ref()).await, [10, 20]);
        assert_eq!(follower.follow(store.as_ref()).await, (vec![10, 20], false));
        assert_eq!(follower.follow(store.as_ref()).await, (vec![10, 20], false));

        let reached = Attempts { count: 1, first_contact_at: Some(40), ..Attempts::default() };
        commit(store.as_ref(), 1, &[Lead { attempts: reached, ..one.clone() }, three.clone()]).await;
        let spam = Lead { flags: vec![Flag::Spam], ..super::derived::lead("p-4", 40) };
        let lost = Lead { stage: "lost".to_owned(), ..super::derived::lead("p-5", 50) };
        commit(store.as_ref(), 2, &[spam, lost]).await;
        assert_eq!(follower.follow(store.as_ref()).await, (vec![20, 30], false));
        let dump = store.dump(SITE).await.unwrap();
        store.close().await;
        drop(store);

        let store = place.open();
        assert_eq!(waiting(store.as_ref()).await, [20, 30], "as the rows say");
        let mut again = Follower::default();
        assert_eq!(again.follow(store.as_ref()).await, (vec![20, 30], true));
        // It may call again.
        commit(store.as_ref(), 3, std::slice::from_ref(&one)).await;
        assert_eq!(again.follow(store.as_ref()).await, (vec![10, 20, 30], false));
        store.seal(SealStep { site: SITE, leads: vec![two], ..SealStep::default() }).await.unwrap();
        assert_eq!(waiting(store.as_ref()).await, [10, 30], "it went with age");
        assert_eq!(again.follow(store.as_ref()).await, (vec![10, 30], true));
        assert_ne!(store.dump(SITE).await.unwrap(), dump);
        store.reset(SITE).await.unwrap();
        assert_eq!(waiting(store.as_ref()).await, Vec::<i64>::new());
        assert_eq!(again.follow(store.as_ref()).await, (vec![], true));
        store.close().await;
    });
}

#[test]
fn a_number_that_is_not_to_be_called_is_found_until_it_is_taken_off() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let phone = |n: u8| PhoneHash([n; 32]);
        let said = |n: u8, reason| DoNotCall { phone: phone(n), reason, at: 5, by: "t".to_owned() };
        let say = async |from: u64, all: Vec<DoNotCall>| {
            let rows = all.into_iter().map(Row::DoNotCall).collect();
            store.commit(Step { projector: "test", site: SITE, from, to: from + 1, rows }).await.unwrap();
        };
        let asked = Some(Reason::Asked);
        say(0, vec![said(1, asked), said(2, asked), said(0xff, asked)]).await;
        assert_eq!(store.do_not_call(SITE, phone(2)).await.unwrap(), Some(said(2, asked)));
        assert_eq!(store.do_not_call(SITE, phone(3)).await.unwrap(), None);
        assert_eq!(store.do_not_call(SITE + 1, phone(2)).await.unwrap(), None);
        let all = async |after, max| {
            let found = store.all_do_not_call(SITE, after, max).await.unwrap();
            found.into_iter().map(|said| said.phone.0[0]).collect::<Vec<_>>()
        };
        assert_eq!((all(None, 2).await, all(Some(phone(2)), 9).await), (vec![1, 2], vec![0xff]));
        say(1, vec![said(2, None)]).await;
        assert_eq!(
            (all(None, 9).await, store.do_not_call(SITE, phone(2)).await.unwrap()),
            (vec![1, 0xff], None)
        );
        store.close().await;
    });
}

#[test]
fn how_often_forms_are_sent_is_known_by_the_hour() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let sent = |form: &str, hour, change| Row::FormPulse { form: form.to_owned(), hour, change };
        let rows = vec![
            sent("a", 7, 1),
            sent("a", 7, 2),
            sent("a", 300, 1),
            sent("a2", 9, 1),
            sent("b", 8, 1),
            sent("b", 8, -1),
        ];
        store.commit(Step { projector: "test", site: SITE, from: 0, to: 1, rows }).await.unwrap();
        let forms = async |max| {
            let found = store.forms(SITE, max).await.unwrap();
            found.into_iter().map(|form| (form.form, form.first, form.last)).collect::<Vec<_>>()
        };
        let expected = [("a".to_owned(), 7, 300), ("a2".to_owned(), 9, 9)];
        assert_eq!((forms(9).await, forms(1).await), (expected.to_vec(), expected[..1].to_vec()));
        assert_eq!(store.form_pulse(SITE, "a", 0..=299).await.unwrap(), [(7, 3)].into());
        assert_eq!(store.form_pulse(SITE, "a", 8..=300).await.unwrap(), [(300, 1)].into());
        assert!(store.form_pulse(SITE, "b", 0..=300).await.unwrap().is_empty());
        store.close().await;
    });
}

#[test]
fn who_was_away_for_long_is_told_all_of_them() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let mut follower = Follower::default();
        follower.follow(store.as_ref()).await;
        let leads: Vec<Lead> = (0..9_000).map(|n| super::derived::lead(&format!("p-{n}"), n)).collect();
        commit(store.as_ref(), 0, &leads).await;
        let (known, told_again) = follower.follow(store.as_ref()).await;
        assert_eq!((known.len(), told_again), (9_000, true));
        store.close().await;
    });
}
