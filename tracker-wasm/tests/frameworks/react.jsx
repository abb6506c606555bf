// A page as React draws it: a router's routes, a form whose fields React holds, everything twice (StrictMode).
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const HOME = location.pathname;

const Contact = () => {
  const [phone, setPhone] = useState("");
  const [sent, setSent] = useState(false);
  if (sent) return <p className="gracias">Gracias</p>;
  const send = async (event) => {
    event.preventDefault();
    await new Promise((go) => setTimeout(go, 50));
    setSent(true);
  };
  return (
    <form id="contacto" onSubmit={send}>
      <input name="telefono" type="tel" value={phone} onChange={(event) => setPhone(event.target.value)} />
      <button>Llamadme</button>
    </form>
  );
};

const App = () => {
  const [path, setPath] = useState(HOME);
  useEffect(() => {
    document.title = path == HOME ? "Inicio" : "Contacto";
  }, [path]);
  useEffect(() => {
    const back = () => setPath(location.pathname);
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  const go = (event) => {
    event.preventDefault();
    history.pushState({}, "", HOME + "/contacto");
    setPath(location.pathname);
  };
  return (
    <main key={path}>
      {path == HOME ? <a id="go" href={HOME + "/contacto"} onClick={go}>Contacto</a> : <Contact />}
    </main>
  );
};

createRoot(document.querySelector("#app")).render(<StrictMode><App /></StrictMode>);
