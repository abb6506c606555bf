//! Messages: listed, due, claimed by one at a time, gone with their lead.

use super::*;
use crate::{
    domain::{
        delivery::{Delivery, DeliveryState, Then, Tried},
        webhook::{Desk, Endpoint, Format, Health, MessageType, Webhook},
    },
    store::{
        SealStep,
        outbox::{ClaimDue, DeliveryQuery},
    },
};

const NAME: &str = "journeys";

fn delivery(endpoint: &str, lead: &str, position: u64, at: i64) -> Delivery {
    Delivery::new(MessageType::LeadCreated, endpoint, Some(LeadId::of_event(lead)), position, at)
}

async fn commit(store: &dyn Store, from: u64, deliveries: &[Delivery]) {
    let rows = deliveries.iter().map(|delivery| Row::Delivery(Box::new(delivery.clone()))).collect();
    store.commit(Step { projector: NAME, site: SITE, from, to: from + 1, rows }).await.unwrap();
}

fn due(endpoint: &str, now: i64, max: usize) -> ClaimDue {
    ClaimDue { endpoint: endpoint.to_owned(), now, until: now + 100, reached: (NAME, 0), max }
}

async fn claimed(store: &dyn Store, asked: ClaimDue) -> (Vec<i64>, Option<i64>) {
    let claimed = store.claim(SITE, asked).await.unwrap();
    (claimed.items.iter().map(|delivery| delivery.at).collect(), claimed.next_due)
}

#[test]
fn what_is_due_is_claimed_by_one_at_a_time_the_earliest_first() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let all: Vec<_> = [30, 10, 20, 500].map(|at| delivery("crm", &format!("p-{at}"), 1, at)).to_vec();
        commit(store.as_ref(), 0, &all).await;
        commit(store.as_ref(), 1, &[delivery("crm2", "p-5", 1, 5)]).await;
        assert_eq!(claimed(store.as_ref(), due("crm", 9, 8)).await, (vec![], Some(10)), "nothing is due");
        assert_eq!(claimed(store.as_ref(), due("crm", 100, 2)).await, (vec![10, 20], Some(30)));
        assert_eq!(
            claimed(store.as_ref(), due("crm", 100, 8)).await,
            (vec![30], Some(500)),
            "those are taken"
        );
        assert_eq!(claimed(store.as_ref(), due("crm", 199, 8)).await.0, Vec::<i64>::new());
        assert_eq!(claimed(store.as_ref(), due("crm", 200, 8)).await.0, [10, 20, 30], "a claim ends");
        store.release(SITE, &all[1].id);
        assert_eq!(claimed(store.as_ref(), due("crm", 201, 8)).await.0, [10], "or is given up");
        let far = ClaimDue { reached: (NAME, 3), ..due("crm2", 100, 8) };
        assert_eq!(claimed(store.as_ref(), far).await, (vec![], None), "not before what was sent is known");
        let there = ClaimDue { reached: (NAME, 2), ..due("crm2", 100, 8) };
        assert_eq!(claimed(store.as_ref(), there).await.0, [5]);
        assert_eq!(store.pending(SITE, 100).await.unwrap(), 5);
        assert_eq!(store.pending(SITE, 2).await.unwrap(), 2);
        store.close().await;
        drop(store);
        let store = place.open();
        assert_eq!(
            claimed(store.as_ref(), due("crm", 100, 8)).await.0,
            [10, 20, 30],
            "claims end with their process"
        );
        store.close().await;
    });
}

#[test]
fn a_delivery_is_found_as_it_stands_and_goes_with_its_lead() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let mut one = delivery("crm", "p-1", 1, 10);
        let others = [delivery("crm", "p-2", 2, 20), delivery("dialler", "p-1", 1, 10)];
        commit(store.as_ref(), 0, &[one.clone(), others[0].clone(), others[1].clone()]).await;
        one.tried(&Tried {
            message: one.id.clone(),
            endpoint: "crm".to_owned(),
            lead: one.lead.clone(),
            at: 11,
            status: Some(204),
            why: None,
            ms: 1,
            then: Then::Delivered,
        });
        commit(store.as_ref(), 1, &[one.clone()]).await;
        assert_eq!(store.delivery(SITE, &one.id).await.unwrap(), Some(one.clone()));
        assert_eq!(claimed(store.as_ref(), due("crm", 100, 8)).await.0, [20], "what is there is not due");
        let list = async |query: DeliveryQuery| {
            let page = store.deliveries(SITE, DeliveryQuery { limit: 2, ..query }).await.unwrap();
            (page.items.iter().map(|delivery| delivery.id.clone()).collect::<Vec<_>>(), page.next)
        };
        let (first, next) = list(DeliveryQuery::default()).await;
        assert_eq!((first[0].clone(), first.len()), (others[0].id.clone(), 2), "newest first");
        let (rest, end) = list(DeliveryQuery { after: next, ..DeliveryQuery::default() }).await;
        assert_eq!((rest.len(), end), (1, None));
        assert!(!first.contains(&rest[0]));
        let lead = Some(LeadId::of_event("p-1"));
        assert_eq!(list(DeliveryQuery { lead: lead.clone(), ..DeliveryQuery::default() }).await.0.len(), 2);
        let to = Some("dialler".to_owned());
        let (of_endpoint, _) = list(DeliveryQuery { lead, endpoint: to, ..DeliveryQuery::default() }).await;
        assert_eq!(of_endpoint, [others[1].id.clone()]);
        let there = DeliveryQuery { state: Some(DeliveryState::Delivered), ..DeliveryQuery::default() };
        assert_eq!(list(there).await.0, [one.id.clone()]);
        let pending = store.pending_of(SITE, "dialler").await.unwrap();
        assert_eq!(pending, [others[1].clone()]);

        let lead = Lead { id: LeadId::of_event("p-1"), ..super::derived::lead("p-1", 10) };
        store.seal(SealStep { site: SITE, leads: vec![lead], ..SealStep::default() }).await.unwrap();
        assert_eq!(store.delivery(SITE, &one.id).await.unwrap(), None);
        assert_eq!(store.pending_of(SITE, "dialler").await.unwrap(), []);
        assert_eq!(list(DeliveryQuery::default()).await.0, [others[0].id.clone()], "nobody else's");
        store.close().await;
    });
}

#[test]
fn endpoints_stand_as_they_were_set_last() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        assert_eq!(store.desk(SITE).await.unwrap(), Desk::default());
        let webhook = Webhook {
            id: "crm".to_owned(),
            types: vec![MessageType::LeadCreated],
            format: Format::Form,
            target: VaultRef([3; 16]),
        };
        let endpoint = Endpoint { webhook, since: 4, health: Health::Off, health_at: Some(5) };
        let desk = Desk { items: vec![endpoint] };
        let rows = vec![Row::Desk(desk.clone())];
        store.commit(Step { projector: NAME, site: SITE, from: 0, to: 1, rows }).await.unwrap();
        assert_eq!(store.desk(SITE).await.unwrap(), desk);
        assert_eq!(store.desk(SITE + 1).await.unwrap(), Desk::default());
        store.close().await;
    });
}
