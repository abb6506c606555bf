//! `GET /t/{site}.js` and `GET /t/{hash}.wasm`: the tracker as pages get it.

use std::io::Read as _;

use collector::ingest::tracker::{CORE_HASH, NUMBERS_HASH};
use e2e::{NOW, TestApp, client::send};
use reqwest::Method;
use serde_json::json;

/// The bytes as they travelled, and the headers.
async fn fetch(app: &TestApp, path: &str, accept: &str) -> (reqwest::header::HeaderMap, Vec<u8>) {
    let request = app.client.bare(Method::GET, path).header("accept-encoding", accept);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    (response.headers().clone(), response.bytes().await.unwrap().to_vec())
}

fn decoded(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match encoding {
        "br" => drop(brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain).unwrap()),
        "gzip" => drop(flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap()),
        _ => plain.extend_from_slice(bytes),
    }
    plain
}

#[tokio::test]
async fn loader_and_core_come_in_the_best_encoding_that_the_browser_takes() {
    let app = TestApp::spawn().await;
    let (core, numbers) = (format!("/t/{CORE_HASH}.wasm"), format!("/t/{NUMBERS_HASH}.mjs"));
    let script = "text/javascript; charset=utf-8";
    for (path, content_type) in [("/t/acme.js", script), (&*core, "application/wasm"), (&*numbers, script)] {
        let (_, plain) = fetch(&app, path, "identity").await;
        for (accept, encoding) in [
            ("gzip, deflate, br, zstd", "br"),
            ("br;q=0, gzip", "gzip"),
            ("gzip", "gzip"),
            ("identity", "identity"),
            ("zstd", "identity"),
        ] {
            let (headers, bytes) = fetch(&app, path, accept).await;
            // `identity` may be named or not.
            let found = headers.get("content-encoding").map_or("identity", |value| value.to_str().unwrap());
            assert_eq!(found, encoding, "{path}, {accept}");
            assert_eq!(headers["content-type"], content_type, "{path}");
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert!(headers["vary"].to_str().unwrap().contains("Accept-Encoding"), "{path}, {accept}");
            assert_eq!(decoded(encoding, &bytes), plain, "{path}, {accept}");
        }
    }
}

#[tokio::test]
async fn the_loader_carries_the_sites_public_configuration_and_follows_it() {
    let app = TestApp::with(|options| options.public_url = Some("https://t.example.com".to_owned())).await;
    let config = json!({"name": "Tejado </script> Claro", "domains": ["example.com"], "consent_default": "full",
                        "query_keys": ["</script>", "ref"], "lead_fields": ["provincia"]});
    app.client.put_site("acme", &config).await;
    let (first, bytes) = fetch(&app, "/t/acme.js", "identity").await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("__TRAZA_CONFIG__"), "the hole is filled");
    assert!(!text.contains("</script>"), "no text of a site's ends the script");
    for part in [
        "\"site\":\"acme\"",
        "\"base\":\"https://t.example.com/t\"",
        &format!("\"wasm\":\"{CORE_HASH}\""),
        "\"consent\":\"full\"",
        "\"provincia\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("Tejado"), "the site's name is nobody's business");

    let again = app.client.bare(Method::GET, "/t/acme.js").header("if-none-match", &first["etag"]);
    let unchanged = send(again).await;
    assert_eq!((unchanged.status, unchanged.text.len()), (304, 0));
    app.client.put_site("acme", &json!({"domains": ["example.com"], "consent_default": "anonymous"})).await;
    let changed =
        send(app.client.bare(Method::GET, "/t/acme.js").header("if-none-match", &first["etag"])).await;
    assert_eq!(changed.status, 200);
    assert!(changed.text.contains("\"consent\":\"anonymous\""));
}

#[tokio::test]
async fn a_page_learns_of_printed_numbers_while_there_is_one_to_show_in_their_place() {
    let app = TestApp::spawn().await;
    let loader = async || {
        let answer = send(app.client.bare(Method::GET, "/t/acme.js")).await;
        assert_eq!(answer.status, 200);
        answer.text
    };
    let put = async |items: serde_json::Value| {
        app.client.put("/api/v1/sites/acme/numbers", &json!({"items": items})).await.expect(200);
    };
    let printed = json!({"number": "900 111 000", "kind": "printed"});
    let london = json!({"number": "+44 20 7946 0000", "kind": "printed"});
    let pool = json!({"number": "+34900111001", "kind": "pool", "pool": "web", "from": NOW + 1_000, "until": NOW + 2_000});
    assert!(!loader().await.contains("\"numbers\""));
    put(json!([printed])).await;
    assert!(!loader().await.contains("\"numbers\""), "nothing to show");
    put(json!([printed, london, pool])).await;
    assert!(!loader().await.contains("\"numbers\""), "nothing to show yet");
    app.clock.advance(1_000);
    let numbers =
        format!(r#""numbers":{{"printed":["+34 900111000","+44 2079460000"],"module":"{NUMBERS_HASH}"}}"#);
    let text = loader().await;
    assert!(text.contains(&numbers), "{text}");
    assert!(!text.contains("900111001"), "which it shows is said to one visitor at a time");
    app.clock.advance(1_000);
    assert!(!loader().await.contains("\"numbers\""), "nothing to show any more");

    let module = format!("/t/{NUMBERS_HASH}.mjs");
    let (headers, _) = fetch(&app, &module, "br").await;
    assert!(headers["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn a_site_may_want_no_references_in_chats() {
    let app = TestApp::spawn().await;
    let (_, loader) = fetch(&app, "/t/acme.js", "identity").await;
    assert!(String::from_utf8(loader).unwrap().contains("\"chat_refs\":true"));
    app.client.put_site("acme", &json!({"domains": ["example.com"], "chat_refs": false})).await;
    let (_, loader) = fetch(&app, "/t/acme.js", "identity").await;
    assert!(String::from_utf8(loader).unwrap().contains("\"chat_refs\":false"));
}

#[tokio::test]
async fn the_loader_is_cached_shortly_and_the_core_for_ever() {
    let app = TestApp::spawn().await;
    let (loader, _) = fetch(&app, "/t/acme.js", "br").await;
    let (core, _) = fetch(&app, &format!("/t/{CORE_HASH}.wasm"), "br").await;
    let seconds = |headers: &reqwest::header::HeaderMap| -> u32 {
        let text = headers["cache-control"].to_str().unwrap();
        let age = text.split(',').find_map(|part| part.trim().strip_prefix("max-age="));
        age.unwrap().parse().unwrap()
    };
    assert!(seconds(&loader) <= 600 && loader.contains_key("etag"), "{loader:?}");
    assert!(seconds(&core) >= 31_536_000, "{core:?}");
    assert!(core["cache-control"].to_str().unwrap().contains("immutable"));
}

#[tokio::test]
async fn what_is_no_file_of_the_tracker_is_404() {
    let app = TestApp::spawn().await;
    for path in [
        "/t/nobody.js",
        "/t/.js",
        "/t/acme.css",
        "/t/0000000000000000.wasm",
        "/t/0000000000000000.mjs",
        "/t/acme.wasm",
        "/t/nobody",
        "/t",
    ] {
        app.client.get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn the_guard_is_printed_for_the_site_with_its_hash() {
    use base64::Engine as _;
    use sha2::Digest as _;

    let app = TestApp::with(|options| options.public_url = Some("https://t.example.com".to_owned())).await;
    for (consent, may) in [("full", "1"), ("wait", "0"), ("anonymous", "0"), ("off", "0")] {
        app.client.put_site("acme", &json!({"domains": ["example.com"], "consent_default": consent})).await;
        let install = app.client.get("/api/v1/sites/acme/install").await.expect(200);
        let line = install["guard"].as_str().unwrap();
        let code = line.strip_prefix("<script>").and_then(|line| line.strip_suffix("</script>")).unwrap();
        assert!(!code.contains("__TRAZA") && !code.contains('\n') && !code.contains('<'), "{code}");
        assert!(code.contains("\"https://t.example.com/t/acme\""), "{code}");
        assert!(code.contains(&format!(":{may}&&")), "{consent}: {code}");
        assert!(code.len() <= 700, "{} bytes", code.len());
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(code));
        assert_eq!(install["guard_csp"], format!("'sha256-{hash}'"));
    }
}

/// What `www/guard.js` sends.
fn guarded(page: u64, mode: Option<&str>) -> String {
    let at = e2e::NOW;
    let mode = mode.map_or(String::new(), |mode| format!(r#""mode":"{mode}","#));
    format!(
        r#"{{"v":1,"page":{page},{mode}"url":"https://www.example.com/?&utm_source=google&gclid=G1","referrer":"https://www.google.com/","events":[["click",{at},"tel:+34900111001","hero",null],["click",{at},null,null,null],["submit",{at},null,null,["callback",null,"600000000"]],["pagehide",{at},null,null,null]]}}"#
    )
}

#[tokio::test]
async fn what_the_guard_sends_counts_once_and_makes_the_lead() {
    let app = TestApp::spawn().await;
    app.client.put_site("acme", &json!({"domains": ["example.com"], "consent_default": "full"})).await;
    let page = 8_274_650_183_925_760;
    for (accepted, duplicate) in [(3, 0), (0, 3)] {
        let request = app.client.bare(Method::POST, "/t/acme").header("content-type", "text/plain");
        let answer = send(request.body(guarded(page, None))).await.expect(200);
        assert_eq!(
            (&answer["accepted"], &answer["duplicate"]),
            (&json!(accepted), &json!(duplicate)),
            "{answer}"
        );
        assert_eq!(answer["rejected"], json!([]));
    }
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    assert_eq!(leads[0]["origin"]["first"]["channel"], "paid_search", "{leads:?}");
    let install = app.client.get("/api/v1/sites/acme/install").await.expect(200);
    assert_eq!(install["core"]["fallback"], 1, "{install}");

    // Where nobody has agreed the lead is all that is kept.
    app.client.put_site("acme", &json!({"domains": ["example.com"], "consent_default": "wait"})).await;
    let request = app.client.bare(Method::POST, "/t/acme").header("content-type", "text/plain");
    let answer = send(request.body(guarded(1, None))).await.expect(200);
    assert_eq!((&answer["accepted"], &answer["withheld"]), (&json!(1), &json!(2)), "{answer}");
    let request = app.client.bare(Method::POST, "/t/acme").header("content-type", "text/plain");
    let answer = send(request.body(guarded(2, Some("full")))).await.expect(200);
    assert_eq!(answer["accepted"], 3, "the visitor's own word: {answer}");
}

#[tokio::test]
async fn the_panel_for_whoever_installs_the_tag_comes_on_demand() {
    let app = TestApp::spawn().await;
    let (headers, bytes) = fetch(&app, "/t/debug.mjs", "br").await;
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(headers["access-control-allow-origin"], "*");
    let encoding = headers.get("content-encoding").map_or("", |value| value.to_str().unwrap());
    assert!(String::from_utf8(decoded(encoding, &bytes)).unwrap().contains("traza-debug"));
}

#[tokio::test]
async fn the_public_face_may_stand_under_another_path() {
    let app = TestApp::with(|options| options.prefix = Some("/medir/v1".to_owned())).await;
    let install = app.client.get("/api/v1/sites/acme/install").await.expect(200);
    assert!(install["snippet"].as_str().unwrap().ends_with("/medir/v1/acme.js\"></script>"), "{install}");
    let (_, loader) = fetch(&app, "/medir/v1/acme.js", "identity").await;
    assert!(String::from_utf8(loader).unwrap().contains("/medir/v1\""));
    let beacon = e2e::beacon::full("v", [e2e::beacon::page_view("p", e2e::NOW, "https://www.example.com/")]);
    let request = app.client.bare(Method::POST, "/medir/v1/acme").header("content-type", "text/plain");
    assert_eq!(send(request.body(beacon.to_string())).await.status, 200);
    assert_eq!(app.client.beacon("acme", &beacon).await.status, 404);
}
