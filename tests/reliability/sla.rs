//! kill -9 around the moment at which a lead's clock runs out.

use std::{collections::BTreeMap, process::Command};

use collector::clock::{Clock as _, System};
use e2e::{
    Receiver,
    beacon::{callback, full, new_id},
    binary::{Binary, Home},
    holds,
};
use serde_json::{Value, json};

/// How often it is killed.
const ROUNDS: usize = 4;

fn open(home: &Home) -> Command {
    let mut command = home.serve();
    command.arg("--allow-private-targets");
    command
}

#[tokio::test]
async fn a_breach_is_told_once_for_each_lead_whenever_the_process_dies() {
    let home = Home::new();
    let mut server = Binary::run(&home, open(&home)).await;
    let site = json!({"consent_default": "full", "sla": [{"target_s": 1}]});
    server.client.put_site("acme", &site).await;
    let receiver = Receiver::start().await;
    let webhook = json!({"id": "crm", "url": receiver.url("/"), "types": ["sla.breached"]});
    server.client.put("/api/v1/sites/acme/webhooks", &json!({"items": [webhook]})).await.expect(200);
    let mut leads = 0;
    for round in 0..ROUNDS {
        for _ in 0..5 {
            let page = new_id();
            // Each of somebody else: who asks again has the first request's clock.
            let phone = format!("600 000 {leads:03}");
            let beacon = full(&new_id(), [callback(&page, 1, System.now(), &phone)]);
            server.client.store("acme", &beacon).await;
            leads += 1;
        }
        if round % 2 == 1 {
            // Killed when the clocks have run out, before what was told of them is known to be; else before they have.
            holds("some are told", async || receiver.got().len() > (leads - 5)).await;
        }
        server.kill();
        server = Binary::run(&home, open(&home)).await;
    }
    let breaches = async |server: &Binary| {
        let leads = server.client.leads("acme").await;
        let mut of_lead: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for lead in leads {
            let id = lead["id"].as_str().unwrap().to_owned();
            let mut told = server.client.lead_journey("acme", &id).await;
            told.retain(|item| item["kind"] == "breach");
            assert_eq!(lead["sla"]["state"], "breached");
            for breach in &told {
                assert_eq!(breach["at"], lead["sla"]["due_at"], "its own moment, whenever it was noticed");
            }
            of_lead.insert(id, told);
        }
        of_lead
    };
    holds("every lead's breach is told", async || {
        let path = "/api/v1/sites/acme/deliveries?state=delivered&limit=500";
        let list = server.client.get(path).await.expect(200);
        list["items"].as_array().is_some_and(|items| items.len() == leads)
    })
    .await;
    let of_lead = breaches(&server).await;
    assert_eq!(of_lead.len(), leads);
    assert!(of_lead.values().all(|told| told.len() == 1), "{of_lead:?}");
    let ids: std::collections::BTreeSet<_> =
        receiver.got().iter().map(|message| message.id().to_owned()).collect();
    assert_eq!(ids.len(), leads, "each under one id");

    // Neither a rebuild nor another start tells anybody again.
    server.terminate().await;
    let before = receiver.got().len();
    assert!(home.run(&["rebuild", "--store", "sled:data"]).success);
    let server = Binary::run(&home, open(&home)).await;
    assert_eq!(breaches(&server).await, of_lead);
    assert_eq!(receiver.got().len(), before);
}
