//! Networks and collectors that are away for a while.

use std::time::Duration;

use crate::harness::{Stage, Weather};

use crate::page::{LANDING, by_id, called, calls, fence, landing, none_twice, told};

/// The network goes: by the browser's own switch where it has one, and in truth.
async fn network(stage: &Stage, there: bool) {
    stage.proxy.weather(if there { Weather::Fair } else { Weather::Dead });
    stage.browser.online(there).await;
}

pub(crate) async fn offline_online(stage: &Stage) {
    stage.browser.open(&landing(stage, "", None)).await;
    told(stage, "page_view", LANDING, 1).await;
    network(stage, false).await;
    stage.browser.click_times("#call", 3).await;
    let back = stage.browser.value("Date.now()").await;
    assert!(calls(stage).is_empty(), "{}", stage.told());
    network(stage, true).await;
    called(stage, 3).await;
    // Recorded when they happened, not when they could leave.
    assert!(calls(stage).iter().all(|call| call["at"].as_i64() <= back.as_i64()), "{back}: {}", stage.told());
    fence(stage).await;
    called(stage, 3).await;
}

pub(crate) async fn offline_closed(stage: &Stage) {
    let url = landing(stage, "", None);
    stage.tab(&url).await;
    told(stage, "page_view", LANDING, 1).await;
    network(stage, false).await;
    stage.browser.click_times("#call", 2).await;
    stage.close_tab().await;
    assert!(calls(stage).is_empty(), "{}", stage.told());
    network(stage, true).await;
    fence(stage).await;
    called(stage, 2).await;
    told(stage, "page_leave", LANDING, 1).await;
    let visitors: std::collections::BTreeSet<_> =
        stage.proxy.beacons().iter().map(|beacon| beacon["visitor"].to_string()).collect();
    assert_eq!(visitors.len(), 1, "{}", stage.told());
}

pub(crate) async fn busy_503(stage: &Stage) {
    busy(stage, 503).await;
}

pub(crate) async fn busy_429(stage: &Stage) {
    busy(stage, 429).await;
}

async fn busy(stage: &Stage, status: u16) {
    const PAUSE: u32 = 3;
    stage.proxy.refuse(Some((status, Some(PAUSE))));
    stage.browser.open(&landing(stage, "", None)).await;
    stage.until("a refusal", async || !stage.proxy.attempts().is_empty()).await;
    // Urgent, and all the same not before its time.
    stage.browser.click_times("#call", 2).await;
    stage.until("another try", async || stage.proxy.attempts().len() > 1).await;
    stage.proxy.refuse(None);
    called(stage, 2).await;
    told(stage, "page_view", LANDING, 1).await;
    let attempts = stage.proxy.attempts();
    let refused: Vec<_> = attempts.iter().filter(|attempt| attempt.status == status).collect();
    assert!(refused.len() >= 2, "{}", stage.told());
    for (one, next) in attempts.iter().zip(&attempts[1..]).filter(|(one, _)| one.status == status) {
        let waited = next.at.checked_sub(one.at).unwrap();
        assert!(waited >= Duration::from_secs(PAUSE.into()), "only {waited:?}; {}", stage.told());
    }
    none_twice(stage);
    fence(stage).await;
    called(stage, 2).await;
}

pub(crate) async fn busy_closed(stage: &Stage) {
    closed_while(stage, || stage.proxy.refuse(Some((503, Some(1)))), || stage.proxy.refuse(None)).await;
}

pub(crate) async fn dead_closed(stage: &Stage) {
    let line = &stage.proxy.collector;
    closed_while(stage, || line.set(Weather::Dead), || line.set(Weather::Fair)).await;
}

pub(crate) async fn silent_closed(stage: &Stage) {
    let line = &stage.proxy.collector;
    closed_while(stage, || line.set(Weather::Silent), || line.set(Weather::Fair)).await;
}

async fn closed_while(stage: &Stage, breaks: impl Fn(), mends: impl Fn()) {
    stage.tab(&landing(stage, "", None)).await;
    told(stage, "page_view", LANDING, 1).await;
    breaks();
    stage.browser.click_times("#call", 2).await;
    stage.close_tab().await;
    assert!(calls(stage).is_empty(), "{}", stage.told());
    mends();
    fence(stage).await;
    called(stage, 2).await;
    told(stage, "page_leave", LANDING, 1).await;
    assert!(!by_id(stage).is_empty());
}
