//! Personal data: in the vault, sealed, and nowhere else.

use std::{
    fs,
    path::{Path, PathBuf},
};

use e2e::{
    NOW, TestApp,
    beacon::{event, full, page_view},
};
use serde_json::json;

/// Every file below a folder, with its bytes.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
    }
    assert!(found.iter().any(|(_, bytes)| bytes.len() > 100), "{}: nothing is stored", folder.display());
    found
}

/// Whether a text stands in some bytes, in UTF-8 or as UTF-16 would have it.
pub(crate) fn contains(bytes: &[u8], text: &str) -> bool {
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [text.as_bytes(), &wide].iter().any(|needle| bytes.windows(needle.len()).any(|window| window == *needle))
}

/// Typed by nobody else in these tests.
const PERSONAL: [&str; 15] = [
    "Eulalia",
    "Quintanilla",
    "eulalia.q",
    "600123987",
    "600 123 987",
    "Calatayud",
    "fidelia.m",
    "600123988",
    "cliente-4711",
    "Obdulia",
    "pide rebaja",
    "gertrudis",
    "quiero devolverlo",
    "600123989",
    "2400000000000077",
];

#[tokio::test]
async fn what_somebody_typed_is_sealed_and_stands_nowhere_else() {
    let mut app = TestApp::spawn().await;
    let config = json!({"domains": ["example.com"], "consent_default": "full", "lead_fields": ["ciudad"]});
    app.client.put_site("acme", &config).await;
    let url = "https://www.example.com/?utm_source=boletin&utm_medium=email&email=gertrudis%40example.com\
               &utm_content=gertrudis%40example.com";
    let lead = json!({"kind": "form", "name": "Eulalia Quintanilla", "email": "eulalia.q@example.com",
                      "phone": "600 123 987", "fields": {"ciudad": "Calatayud"}});
    let beacon = full(
        "v",
        [
            page_view("p", NOW, url),
            event("p", 1, NOW + 1, "form_submit", json!({"form": "contacto", "lead": lead})),
            event(
                "p",
                2,
                NOW + 2,
                "identify",
                json!({"email": "fidelia.m@example.com", "phone": "+34600123988", "user_id": "cliente-4711"}),
            ),
            event(
                "p",
                3,
                NOW + 3,
                "click",
                json!({"target": "a", "text": "Escribe a gertrudis@example.com"}),
            ),
            event("p", 4, NOW + 4, "custom", json!({"name": "x", "props": {"a": "gertrudis@example.com"}})),
        ],
    );
    app.client.store("acme", &beacon).await;
    // A second delivery seals nothing twice, and a rejected neighbour leaves nothing of its body.
    app.client.beacon("acme", &beacon).await.expect(200);
    let broken =
        event("p", 9, NOW, "form_submit", json!({"form": "f", "lead": {"name": "Obdulia", "email": 7}}));
    app.client.beacon("acme", &full("v", [broken])).await.expect(200);
    let lead = app.client.leads("acme").await[0].clone();
    let id = lead["id"].as_str().unwrap();
    let stage = json!({"stage": "mql", "by": "Obdulia", "reason": "pide rebaja", "external_id": "m-1"});
    app.client.post_json(&format!("/api/v1/sites/acme/leads/{id}/stage"), &stage).await.expect(201);

    for body in [
        json!({"app": "whatsapp", "external_id": "m-1", "from": "34600123989", "name": "Obdulia", "text": "quiero devolverlo"}),
        json!({"app": "messenger", "external_id": "m-2", "from": "2400000000000077", "text": "quiero devolverlo"}),
    ] {
        app.client.post_json("/api/v1/sites/acme/messages", &body).await.expect(201);
    }

    // It is there for those who may see it …
    assert_eq!(lead["contact"]["name"], "Eulalia Quintanilla");
    assert_eq!(lead["contact"]["fields"]["ciudad"], "Calatayud");
    let journey = json!(app.client.lead_journey("acme", id).await).to_string();
    assert!(journey.contains("Obdulia") && journey.contains("pide rebaja"), "{journey}");
    for kind in ["Eulalia", "600123987", "fidelia", "4711", "gertrudis"] {
        assert!(!journey.contains(kind), "{kind} in {journey}");
    }

    // … and for nobody else: not in the facts, not in what is derived of them, not in metrics.
    let shared = app.app();
    let site = shared.directory.site("acme").unwrap().number;
    let facts = shared.store.read(site, 0, 1_000).await.unwrap();
    let facts: String = facts.iter().map(|fact| serde_json::to_string(&*fact.entry).unwrap()).collect();
    assert!(
        facts.contains("form_submit")
            && facts.contains("identify")
            && facts.contains("mql")
            && facts.contains("messenger"),
        "{facts}"
    );
    let derived = shared.store.dump(site).await.unwrap();
    let metrics = app.client.metrics().await;
    let marketing = app.client.role("marketing", "acme").await;
    let mut seen = marketing.get("/api/v1/sites/acme/leads").await.text;
    seen.push_str(&marketing.get(&format!("/api/v1/sites/acme/leads/{id}/journey")).await.text);
    drop(shared);
    app.stop().await;
    for text in PERSONAL {
        assert!(!facts.contains(text), "{text} in the log: {facts}");
        assert!(!contains(&derived, text), "{text} in what is derived");
        assert!(!metrics.contains(text), "{text} in the metrics");
        assert!(!seen.contains(text), "{text} in what marketing sees: {seen}");
        for (path, bytes) in files(&app.folder()) {
            assert!(!contains(&bytes, text), "{text} in {}", path.display());
        }
        assert!(!e2e::logs::captured().contains(text), "{text} was logged");
    }
    assert!(e2e::logs::captured().contains("everything acknowledged"), "the logs were captured");
}

#[tokio::test]
async fn the_master_key_lies_beside_the_data_and_only_its_owner_reads_it() {
    let app = TestApp::spawn().await;
    let key = app.folder().with_extension("key");
    let secret = fs::read(&key).expect("a key file beside the folder");
    for (path, bytes) in files(&app.folder()) {
        assert!(!contains(&bytes, std::str::from_utf8(&secret).unwrap().trim()), "{}", path.display());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn no_address_of_a_client_is_kept() {
    let app = TestApp::spawn().await;
    let beacon = full("v", [page_view("p", NOW, "https://www.example.com/")]);
    let request = app.client.post("acme", beacon.to_string()).header("x-forwarded-for", "203.0.113.77");
    assert_eq!(e2e::client::send(request).await.status, 200);
    let shared = app.app();
    let site = shared.directory.site("acme").unwrap().number;
    let facts = shared.store.read(site, 0, 10).await.unwrap();
    let facts: String = facts.iter().map(|fact| serde_json::to_string(&*fact.entry).unwrap()).collect();
    for address in ["203.0.113.77", "127.0.0.1"] {
        assert!(!facts.contains(address), "{address} in {facts}");
        assert!(address == "127.0.0.1" || !e2e::logs::captured().contains(address), "{address} was logged");
    }
}
