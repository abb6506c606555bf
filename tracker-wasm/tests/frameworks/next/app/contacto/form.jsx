"use client";

// A form whose field React holds, and which is gone once it was sent.
import { useState } from "react";

export default function Contact() {
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
}
