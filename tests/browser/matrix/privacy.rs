//! Personal data everywhere a page can have it; none of it may travel.

use std::fmt::Write as _;

use crate::harness::Stage;
use serde_json::json;

use crate::page::{LANDING, NEXT, fence, of, plain, tag, told};

/// Kinds of field whose value is free text: attributes of an `input`.
const TEXT: [&str; 44] = [
    "name='nombre' autocomplete='name'",
    "name='apellidos' autocomplete='family-name'",
    "name='first_name' autocomplete='given-name'",
    "name='nickname' autocomplete='nickname'",
    "name='usuario' autocomplete='username'",
    "name='clave' type='password' autocomplete='current-password'",
    "name='clave_nueva' type='password' autocomplete='new-password'",
    "name='codigo_sms' autocomplete='one-time-code' inputmode='numeric'",
    "name='pin' type='password' inputmode='numeric'",
    "name='dni'",
    "name='nie'",
    "name='pasaporte'",
    "name='seguridad_social'",
    "name='direccion' autocomplete='street-address'",
    "name='calle' autocomplete='address-line1'",
    "name='piso' autocomplete='address-line2'",
    "name='ciudad' autocomplete='address-level2'",
    "name='provincia' autocomplete='address-level1'",
    "name='codigo_postal' autocomplete='postal-code'",
    "name='pais' autocomplete='country-name'",
    "name='empresa' autocomplete='organization'",
    "name='cargo' autocomplete='organization-title'",
    "name='cif'",
    "name='titular' autocomplete='cc-name'",
    "name='tarjeta' autocomplete='cc-number' inputmode='numeric'",
    "name='caducidad' autocomplete='cc-exp'",
    "name='cvv' autocomplete='cc-csc'",
    "name='iban'",
    "name='cuenta'",
    "name='importe'",
    "name='edad'",
    "name='sexo' autocomplete='sex'",
    "name='nacimiento' autocomplete='bday'",
    "name='idioma' autocomplete='language'",
    "name='salud'",
    "name='matricula'",
    "name='q' type='search'",
    "name='asunto'",
    "name='referencia' type='hidden'",
    "name='cupon' readonly",
    "name='pedido' list='pedidos'",
    "id='sin-nombre'",
    "name='nombre_utm'",
    "name='email_confirmacion' style='position:absolute;left:-99em' tabindex='-1'",
];

/// Kinds of field with a shape of their own: markup, and what is in them.
const SHAPED: [(&str, &str); 16] = [
    ("<input name='correo' type='email' value='plantado-correo@example.com'>", "plantado-correo"),
    ("<input name='email2' type='text' value='plantado-email2@example.com'>", "plantado-email2"),
    ("<input name='telefono' type='tel' value='600 000 011'>", "600 000 011"),
    ("<input name='movil' type='text' value='+34600000012'>", "600000012"),
    ("<input name='web' type='url' value='https://plantado-web.example.com/yo'>", "plantado-web"),
    ("<input name='cuanto' type='number' value='31415926'>", "31415926"),
    ("<input name='dia' type='date' value='1967-03-14'>", "1967-03-14"),
    ("<input name='mes' type='month' value='1968-04'>", "1968-04"),
    ("<input name='semana' type='week' value='1969-W11'>", "1969-W11"),
    ("<input name='hora' type='time' value='13:37'>", "13:37"),
    ("<input name='cita' type='datetime-local' value='1970-05-16T14:38'>", "1970-05-16"),
    ("<input name='color' type='color' value='#a1b2c3'>", "a1b2c3"),
    ("<input name='acepta' type='checkbox' value='plantado-casilla' checked>", "plantado-casilla"),
    ("<input name='plan' type='radio' value='plantado-radio' checked>", "plantado-radio"),
    (
        "<select name='zona'><option value='plantado-valor'>plantado-opcion</option></select>",
        "plantado-valor",
    ),
    (
        "<select name='zonas' multiple><option selected>plantado-multiple</option></select>",
        "plantado-multiple",
    ),
];

/// Fields that are no inputs, and everything else that a page holds.
const ELSEWHERE: &str = "
<textarea name='mensaje'>plantado-mensaje</textarea>
<div id='editor' contenteditable='true'>plantado-editor</div>
<div id='sombra'></div>
<iframe srcdoc=\"<input name='dentro' value='plantado-marco'>\"></iframe>
<datalist id='pedidos'><option>plantado-lista</option></datalist>
<meter value='3' title='plantado-medida@example.com'></meter>
<p><a id='carta' href='/p/next.html?correo=plantado-enlace@example.com&nombre=plantado-consulta&tel=600000013#plantado-ancla@example.com'
  title='plantado-titulo@example.com' data-cliente='plantado-dato'>Escribe a plantado-texto@example.com o llama al 600 000 014</a></p>
<p><button id='boton' type='button' aria-label='Cuenta de plantado-etiqueta@example.com' value='plantado-boton'>Entrar</button></p>";

/// What must not travel beside the fields' own values.
const MORE: [&str; 26] = [
    "plantado-mensaje",
    "plantado-editor",
    "plantado-sombra",
    "plantado-marco",
    "plantado-lista",
    "plantado-medida",
    "plantado-enlace",
    "plantado-consulta",
    "600000013",
    "plantado-ancla",
    "plantado-titulo",
    "plantado-dato",
    "plantado-texto",
    "600 000 014",
    "plantado-etiqueta",
    "plantado-boton",
    "plantado-opcion",
    "plantado-ruta",
    "plantado-busqueda",
    "plantado-token",
    "600000015",
    "plantado-fragmento",
    "plantado-pestana",
    "plantado-procedencia",
    "plantado-propio",
    "600 000 016",
];

pub(crate) async fn planted(stage: &Stage) {
    let mut fields = String::new();
    for (number, attributes) in TEXT.iter().enumerate() {
        writeln!(fields, "<input {attributes} value='plantado-campo-{number}'>").unwrap();
    }
    for (markup, _) in SHAPED {
        fields.push_str(markup);
    }
    let path = "/p/plantado-ruta@example.com/pedido.html";
    let html = format!(
        "<!doctype html><html lang='es'><head><meta charset='utf-8'>
<title>Pedido de plantado-pestana@example.com, 600 000 016</title>{{head}}{}</head><body>
<form id='ordinario' name='pedido' action='{NEXT}' method='get'>{fields}<button id='enviar'>Pedir</button></form>{ELSEWHERE}
<script>
  document.querySelector('#sombra').attachShadow({{mode: 'open'}}).innerHTML = \"<input name='oculto' value='plantado-sombra'>\";
  const roots = [document, document.querySelector('#sombra').shadowRoot];
  for (const root of roots) for (const field of root.querySelectorAll('input,select,textarea,[contenteditable]'))
    for (const kind of ['focusin', 'input', 'change', 'keyup', 'focusout'])
      setTimeout(() => field.dispatchEvent(new Event(kind, {{bubbles: true, composed: true}})));
</script></body></html>",
        tag(stage)
    );
    stage.proxy.page(path, &html, None);
    plain(stage, NEXT, "Gracias");
    // The page before says all of its address.
    let query = "correo=plantado-busqueda@example.com&token=plantado-token&tel=600000015&utm_source=google";
    let link = format!("{path}?{query}#/plantado-fragmento@example.com");
    let before = format!(
        "<!doctype html><meta name='referrer' content='unsafe-url'><title>Antes</title>{{head}}<a id='go' href='{link}'>Entrar</a>"
    );
    stage.proxy.page("/p/before.html", &before, None);
    stage.browser.open(&stage.page("/p/before.html?yo=plantado-procedencia@example.com")).await;
    stage.browser.click("#go").await;
    stage.browser.arrives_at("pedido.html").await;
    stage.browser.becomes("document.referrer.includes('plantado-procedencia')").await;
    told(stage, "page_view", "pedido.html", 1).await;
    let own = "traza('track', 'aviso', {nota: 'para plantado-propio@example.com'})";
    stage.browser.value(own).await;
    // By hand, too.
    stage.browser.type_into("[name=asunto]", " plantado-a-mano").await;
    stage.browser.type_into("[name=clave]", "plantado-a-mano").await;
    stage.browser.click("#boton").await;
    stage.browser.click("#enviar").await;
    stage.browser.arrives_at(NEXT).await;
    told(stage, "page_view", NEXT, 1).await;
    stage.browser.open(&format!("{}{path}?{query}", stage.proxy.base())).await;
    stage.browser.click("#carta").await;
    stage.browser.arrives_at(NEXT).await;
    fence(stage).await;
    // All of it happened.
    assert_eq!(of(stage, "page_view", "pedido.html").len(), 2, "{}", stage.told());
    assert_eq!(of(stage, "form_submit", "pedido.html").len(), 1, "{}", stage.told());
    assert!(of(stage, "form_submit", "pedido.html")[0].get("lead").is_none());
    assert_eq!(of(stage, "custom", "pedido.html").len(), 1, "{}", stage.told());
    assert!(of(stage, "page_view", LANDING).is_empty());
    // None of it travelled.
    let values = (0..TEXT.len()).map(|number| format!("plantado-campo-{number}"));
    let shaped = SHAPED.iter().map(|(_, value)| (*value).to_owned());
    let more = MORE.iter().map(|value| (*value).to_owned());
    let secrets: Vec<_> = values.chain(shaped).chain(more).chain(["plantado-a-mano".to_owned()]).collect();
    for request in stage.proxy.requests() {
        for secret in &secrets {
            for form in forms(secret) {
                assert!(!request.contains(&form), "{form} in {request}");
            }
        }
    }
    assert_eq!(stage.leads().await, Vec::<serde_json::Value>::new());
    assert_eq!(stage.ledger().await["rejected"], json!({}));
}

/// The ways in which a text may be written on the wire.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    for gap in ["", "-", ".", "+", "%20"] {
        forms.push(text.replace(' ', gap));
    }
    forms.push(text.replace(':', "%3A"));
    forms
}
