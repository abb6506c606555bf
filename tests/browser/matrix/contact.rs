//! Ways from a page to the telephone and to a chat that lead back to it.

use serde_json::{Value, json};

use crate::{
    harness::{Stage, numbers},
    page::{by_id, called, calls, fence, told},
};

const PAGE: &str = "/p/contact.html";
const POOL: &str = "+34911222333";

pub(crate) async fn number(stage: &Stage) {
    stage.proxy.person();
    let printed = json!({"number": "+34900111000", "kind": "printed"});
    let pool = json!({"number": POOL, "kind": "pool", "pool": "web"});
    numbers::put(stage, &json!([printed, pool])).await;
    let url = numbers::page(stage, PAGE, r#"<a id="call" href="tel:+34900111000">Llama al 900 11 10 00</a>"#);
    stage.browser.open(&format!("{url}?utm_source=google&utm_medium=cpc&utm_campaign=otono")).await;
    stage.browser.shows("Llama al 911 22 23 33").await;
    stage.browser.click("#call").await;
    called(stage, 1).await;
    assert_eq!(calls(stage)[0]["href"], format!("tel:{POOL}"));
    fence(stage).await;
    told(stage, "page_view", PAGE, 1).await;
    let client = &stage.binary.client;
    client.settled().await;
    let call = json!({"external_id": "CA1", "to": POOL, "from": "+34600000000", "status": "ringing"});
    let answer = client.post_json("/api/v1/sites/demo/calls", &call).await.expect(201);
    let visitor = &stage.proxy.beacons()[0]["visitor"];
    assert_eq!((&answer["candidates"][0]["visitor"], &answer["reason"]), (visitor, &Value::Null), "{answer}");
}

pub(crate) async fn chat(stage: &Stage) {
    stage.before_every_page(numbers::FOLLOWED);
    let url = numbers::page(
        stage,
        PAGE,
        r#"<a id="chat" href="https://wa.me/34600000000?text=Hola!">WhatsApp</a>"#,
    );
    stage.browser.open(&url).await;
    stage.browser.becomes("!!(window.traza && traza.on)").await;
    stage.browser.click("#chat").await;
    let followed = stage.browser.value("followed").await.as_str().unwrap().to_owned();
    let reference = followed
        .strip_prefix("https://wa.me/34600000000?text=Hola!%20(ref%3A%20")
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or_else(|| panic!("{followed}"));
    fence(stage).await;
    told(stage, "click", PAGE, 1).await;
    let click = by_id(stage).into_values().find(|event| event["kind"] == "click").unwrap();
    assert_eq!(
        (&click["chat_ref"], &click["href"]),
        (&json!(reference), &json!("https://wa.me/34600000000?"))
    );
}
