// Asks for the first tiles while the map library is still being read.

import { addresses } from "./tiles.js";

const { item, run } = JSON.parse(document.querySelector("#first").textContent);
const { clientWidth, clientHeight } = document.querySelector("#left");
for (const address of addresses(run, ["before", "after"], item.focus, [clientWidth, clientHeight])) {
  new Image().src = address;
}
