"use strict";
// Host output enters the page only as the text of text nodes: nothing here parses HTML.

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [NAME, STATUS, FOLD, TOOK, START, END, WHERE, RTT, ATTEMPTS, PHASE, REASON, ERROR, SENT, VALUE, COMMANDS] =
    Array(15).keys();
  const [COMMAND, EXIT, SECONDS, STDOUT, STDERR, NOTE] = Array(6).keys();
  const SOME_LINES = 14, SOME_CHARACTERS = 4000, MORE = 20, CARDS = 40, PRINTED_CARDS = 300, PRINTED_HOSTS = 1000;
  const MOST_MARKS = 200, LINE = 2000;

  const { hosts, folds, texts, changes } = data;
  const byId = (id) => document.getElementById(id);
  const text = (number) => (number === null ? "" : texts[number]);
  const small = matchMedia("(max-width: 640px)");

  const counted = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
  const seconds = (span) => {
    if (span === null) return "";
    if (span < 0.0005) return "0 s";
    if (span < 1) return `${Math.max(1, Math.round(span * 1000))} ms`;
    if (span < 100) return `${span.toFixed(span < 10 ? 2 : 1)} s`;
    const whole = Math.round(span), minutes = Math.round(span / 60);
    return whole >= 3600 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
  };
  const bytes = (size) =>
    size < 1024 ? `${size} bytes` : size < 2 ** 20 ? `${(size / 1024).toFixed(1)} KiB` : `${(size / 2 ** 20).toFixed(1)} MiB`;

  /** An element with properties and children; a child that is a string becomes a text node. */
  const make = (kind, properties = {}, ...children) => {
    const made = document.createElement(kind);
    for (const [name, value] of Object.entries(properties)) {
      if (name === "class") made.className = value;
      else if (name in made) made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== ""));
    return made;
  };
  const svg = (kind, attributes, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const status = (word) =>
    make("span", { class: `status s-${word}` }, make("span", { class: "dot", ariaHidden: "true" }), make("span", { class: "word" }, word));

  // ---- Filters --------------------------------------------------------------------------------------------

  const chosen = { words: "", statuses: new Set(), fold: null, view: "answers", by: null, down: false };
  let shown = []; // Numbers of the hosts that match the filters, in order.
  let fits = new Uint8Array(hosts.length);
  let lowered = null;

  const haystack = (host) =>
    `${host[NAME]}\n${host[WHERE] ?? ""}\n${host[REASON] ?? ""}\n${text(host[ERROR])}`.toLowerCase();
  const search = (words) => {
    lowered ??= { hosts: hosts.map(haystack), texts: texts.map((each) => each.toLowerCase()) };
    const said = lowered.texts.map((each) => each.includes(words));
    return (number) =>
      lowered.hosts[number].includes(words) ||
      (hosts[number][VALUE] !== null && said[hosts[number][VALUE]]) ||
      hosts[number][COMMANDS].some(
        (each) => (each[STDOUT] !== null && said[each[STDOUT]]) || (each[STDERR] !== null && said[each[STDERR]]),
      );
  };

  const choose = () => {
    const found = chosen.words ? search(chosen.words) : () => true;
    fits = Uint8Array.from(hosts, (host, number) =>
      (!chosen.statuses.size || chosen.statuses.has(host[STATUS])) &&
      (chosen.fold === null || host[FOLD] === chosen.fold) && found(number) ? 1 : 0);
    shown = [];
    fits.forEach((fit, number) => { if (fit) shown.push(number); });
    const all = shown.length === hosts.length;
    byId("found").textContent = all
      ? counted(hosts.length, "host")
      : `${shown.length.toLocaleString("en")} of ${counted(hosts.length, "host")}${chosen.fold === null ? "" : " with the same answer"}`;
    byId("clear").hidden = !(chosen.words || chosen.statuses.size || chosen.fold !== null);
    for (const chip of document.querySelectorAll(".chip")) {
      chip.setAttribute("aria-pressed", String(chosen.statuses.has(chip.dataset.status)));
    }
    views[chosen.view].draw();
  };

  // ---- Output of hosts ------------------------------------------------------------------------------------

  /** Text with the searched words marked. */
  const marked = (said) => {
    if (!chosen.words) return [said];
    const parts = [], low = said.toLowerCase();
    // In a few scripts the lower-case form of a letter is longer, so that positions would differ.
    if (low.length !== said.length) return [said];
    let from = 0;
    for (let count = 0; count < MOST_MARKS; count += 1) {
      const at = low.indexOf(chosen.words, from);
      if (at < 0) break;
      parts.push(said.slice(from, at), make("mark", {}, said.slice(at, at + chosen.words.length)));
      from = at + chosen.words.length;
    }
    return [...parts, said.slice(from)];
  };
  const lineParts = (said, kind) => {
    if (kind !== "diff") return marked(said);
    return said.split("\n").map((line) =>
      make("span", { class: { "+": "plus", "-": "minus", "@": "hunk" }[line[0]] ?? "same" }, line || " "));
  };

  /** The position where the beginning of a text ends: after `lines` lines or `characters` characters. */
  const beginning = (said, lines, characters) => {
    let end = -1;
    for (let count = 0; count < lines; count += 1) {
      end = said.indexOf("\n", end + 1);
      if (end < 0) { end = said.length; break; }
    }
    return Math.min(end, characters, said.length);
  };

  /** A block of output; if it is long, its beginning and a button for more. */
  const block = (number, kind) => {
    const said = text(number).replace(/\n+$/, "");
    const box = make("div");
    let lines = SOME_LINES, characters = SOME_CHARACTERS;
    if (chosen.words) {
      const at = said.toLowerCase().indexOf(chosen.words);
      if (at > 0) [lines, characters] = [Math.max(lines, Math.min(400, said.slice(0, at).split("\n").length + 6)), Math.max(characters, Math.min(40000, at + 800))];
    }
    const draw = () => {
      const end = beginning(said, lines, characters);
      const pre = make("pre", { class: kind === "err" ? "err" : "", title: kind === "err" ? "standard error" : "" });
      // A browser lays out a whole line at once, so a line of megabytes is added in pieces.
      for (let from = 0; from < Math.max(end, 1); from += LINE * 50) pre.append(...lineParts(said.slice(from, Math.min(end, from + LINE * 50)), kind));
      box.replaceChildren(pre);
      const left = said.length - end, foot = make("div", { class: "foot" });
      if (left > 0) {
        foot.append(make("button", { class: "more", type: "button", onclick: () => {
          [lines, characters] = [lines * MORE, characters * MORE];
          draw();
        } }, "Show more"), `${bytes(left)} not shown`);
      } else if (number in data.cut) {
        foot.append(`This is the beginning of ${bytes(data.cut[number])}; the history has all of it.`);
      }
      if (foot.childNodes.length) box.append(foot);
    };
    draw();
    return box;
  };

  const commandBlock = (command, several) => {
    const box = make("div", { class: "said" });
    const code = command[EXIT] === null ? "no exit code" : command[EXIT] ? `exit ${command[EXIT]}` : "";
    const notes = [code, command[NOTE], several === null ? seconds(command[SECONDS]) : ""].filter(Boolean).join(", ");
    if (several !== false || notes) box.append(make("h3", {}, ...marked(text(command[COMMAND])), make("small", {}, notes)));
    if (command[STDOUT] !== null) box.append(block(command[STDOUT], "out"));
    if (command[STDERR] !== null) box.append(block(command[STDERR], "err"));
    if (command[STDOUT] === null && command[STDERR] === null) box.append(make("p", { class: "silent" }, "said nothing"));
    return box;
  };
  const why = (host) => {
    if (host[ERROR] === null && host[REASON] === null) return null;
    return make("p", { class: "why" }, ...marked(text(host[ERROR])), " ",
      host[REASON] === null ? "" : make("span", { class: "reason" }, `${host[PHASE] ? host[PHASE] + ": " : ""}${host[REASON]}`));
  };
  const answerOf = (host, several) => {
    const parts = [];
    if (host[VALUE] !== null) parts.push(make("div", { class: "said" }, block(host[VALUE], "out")));
    if (host[VALUE] === null || several === null) {
      for (const command of host[COMMANDS]) parts.push(commandBlock(command, several));
    }
    return parts;
  };

  // ---- Cards: answers, changes ----------------------------------------------------------------------------

  /** Cards: a few at first, more as the reader scrolls near the end. */
  const cards = (panel, items, card, nothing) => {
    let made = 0;
    const end = make("div");
    const more = () => {
      const next = items.slice(made, made + CARDS).map(card);
      made += next.length;
      end.before(...next);
      if (made >= items.length) watcher.disconnect();
    };
    const watcher = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) more();
    }, { rootMargin: "1200px" });
    panel.replaceChildren(end);
    if (!items.length) panel.replaceChildren(make("p", { class: "empty" }, nothing));
    else { more(); if (made < items.length) watcher.observe(end); }
    return () => watcher.disconnect();
  };
  const names = (item) => {
    const box = make("span", { class: item.name.length > 160 ? "name long" : "name" }, ...marked(item.name));
    if (item.name.length > 160) {
      const open = make("button", { class: "plain", type: "button", onclick: () => {
        box.classList.toggle("long");
        open.textContent = box.classList.contains("long") ? "All names" : "Fewer names";
      } }, "All names");
      return [box, open];
    }
    return [box];
  };

  const foldCard = (number) => {
    const item = folds[number], host = hosts[item.hosts[0]];
    const fitting = item.hosts.filter((each) => fits[each]).length;
    const count = fitting === item.hosts.length
      ? counted(fitting, "host") : `${fitting.toLocaleString("en")} of ${counted(item.hosts.length, "host")}`;
    const one = item.hosts.length === 1;
    return make("article", { class: `card s-${host[STATUS]}` },
      make("header", {}, ...names(item), status(host[STATUS]), make("span", { class: "count" }, count),
        make("button", { class: "plain", type: "button", onclick: () => {
          if (one) openDetail(item.hosts[0]);
          else { chosen.fold = number; show("hosts"); choose(); }
        } }, one ? "Details" : "Hosts")),
      why(host) ?? "", ...answerOf(host, host[COMMANDS].length > 1));
  };
  let stopAnswers = () => {};
  const drawAnswers = () => {
    stopAnswers();
    const some = folds.map((_, number) => number).filter((number) => folds[number].hosts.some((each) => fits[each]));
    stopAnswers = cards(byId("answers"), some, foldCard, "No host fits what is looked for.");
  };

  const changeCard = (item) => {
    const after = item.after.split(" ")[0];
    const what = item.before === item.after ? `${item.after}, says something else` : `${item.before} → ${item.after}`;
    return make("article", { class: `card s-${after}` },
      make("header", {}, ...names(item), make("span", { class: "count" }, what),
        make("span", { class: "count" }, item.hosts.length ? counted(item.hosts.length, "host") : "")),
      item.diff === null ? "" : make("div", { class: "said" }, block(item.diff, "diff")));
  };
  let stopChanges = () => {};
  const drawChanges = () => {
    stopChanges();
    const some = changes.items.filter((item) => !item.hosts.length ? shown.length === hosts.length : item.hosts.some((each) => fits[each]));
    stopChanges = cards(byId("changes"), some, changeCard,
      changes.items.length ? "No change fits what is looked for." : `Nothing changed since run ${changes.run.id}.`);
  };

  // ---- Rows: hosts, time line -----------------------------------------------------------------------------

  /** Rows; only the visible ones exist in the document. */
  class Rows {
    constructor(panel, label, height, fill, placed = () => {}) {
      this.placed = placed;
      this.height = height;
      this.fill = fill;
      this.items = [];
      this.active = 0;
      this.made = new Map();
      this.box = make("div", { class: "rows", role: "listbox", tabIndex: 0, ariaLabel: label });
      panel.append(this.box);
      this.box.addEventListener("keydown", (event) => this.key(event));
      this.box.addEventListener("click", (event) => {
        const row = event.target.closest(".row");
        if (!row) return;
        this.active = Number(row.dataset.at);
        this.draw();
        openDetail(this.items[this.active], this);
      });
      addEventListener("scroll", () => this.draw(), { passive: true });
      addEventListener("resize", () => this.set(this.items));
    }
    set(items) {
      this.items = items;
      this.active = Math.min(this.active, Math.max(0, items.length - 1));
      for (const row of this.made.values()) row.remove();
      this.made.clear();
      this.box.style.height = `${items.length * this.height()}px`;
      this.draw();
    }
    draw() {
      if (!this.box.offsetParent) return;
      const height = this.height(), top = this.box.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(-top / height) - 8);
      const last = Math.min(this.items.length, Math.ceil((innerHeight - top) / height) + 8);
      for (const [at, row] of this.made) {
        if (at < first || at >= last) { row.remove(); this.made.delete(at); }
      }
      for (let at = first; at < last; at += 1) if (!this.made.has(at)) this.add(at, height);
      for (const [at, row] of this.made) {
        row.classList.toggle("active", at === this.active);
        row.classList.toggle("open", this.items[at] === opened);
        row.ariaSelected = String(this.items[at] === opened);
      }
      this.placed(this.made, this.items);
      if (this.made.has(this.active)) this.box.setAttribute("aria-activedescendant", this.made.get(this.active).id);
      else this.box.removeAttribute("aria-activedescendant");
    }
    add(at, height) {
      const host = hosts[this.items[at]];
      const row = make("div", {
        class: `row s-${host[STATUS]}`, role: "option", id: `${this.box.parentNode.id}-row-${at}`,
        "aria-setsize": this.items.length, "aria-posinset": at + 1,
      }, ...this.fill(host));
      row.dataset.at = at;
      row.style.transform = `translateY(${at * height}px)`;
      this.made.set(at, row);
      this.box.append(row);
    }
    key(event) {
      const page = Math.max(1, Math.floor(innerHeight / this.height()) - 6);
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
      if (event.key === "Enter" || event.key === " ") openDetail(this.items[this.active], this);
      else if (step === undefined) return;
      event.preventDefault();
      if (step === undefined || !this.items.length) return;
      this.active = Math.max(0, Math.min(this.items.length - 1, this.active + step));
      this.reveal();
      this.draw();
      if (opened !== null) openDetail(this.items[this.active], this);
    }
    reveal() {
      const height = this.height(), top = this.box.getBoundingClientRect().top + this.active * height;
      const above = document.querySelector(".tools").getBoundingClientRect().bottom + height;
      if (top < above) scrollBy(0, top - above);
      else if (top + height > innerHeight - 16) scrollBy(0, top + 2 * height - innerHeight);
    }
  }

  const brief = (host) => {
    if (host[ERROR] !== null) return text(host[ERROR]).slice(0, 300);
    const said = host[VALUE] !== null ? text(host[VALUE])
      : host[COMMANDS].map((each) => text(each[STDOUT]) || text(each[STDERR])).find((each) => each.trim()) ?? "";
    return said.slice(0, 600).trimStart().split("\n", 1)[0].slice(0, 300) || (host[RTT] !== null ? `rtt ${host[RTT]} ms` : "");
  };
  const hostRow = (host) => [
    status(host[STATUS]), make("span", { class: "name" }, ...marked(host[NAME])),
    make("span", { class: "took" }, seconds(host[TOOK])), make("span", { class: "brief" }, ...marked(brief(host))),
  ];
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  const order = {
    status: (left, right) => compare(left[STATUS], right[STATUS]),
    name: (left, right) => compare(left[NAME], right[NAME]),
    duration: (left, right) => left[TOOK] - right[TOOK],
    brief: (left, right) => left[FOLD] - right[FOLD],
  };
  let hostRows = null;
  const drawHosts = () => {
    const panel = byId("hosts");
    if (!hostRows) {
      const heading = (by, label) => make("button", { type: "button", "data-by": by, "aria-sort": "none", onclick: () => {
        if (chosen.by === by && chosen.down) [chosen.by, chosen.down] = [null, false];
        else [chosen.by, chosen.down] = [by, chosen.by === by];
        drawHosts();
      } }, label);
      panel.append(make("div", { class: "headings" }, heading("status", "Status"), heading("name", "Host"),
        heading("duration", "Took"), heading("brief", "Answer")));
      hostRows = new Rows(panel, "Hosts", () => (small.matches ? 40 : 34), hostRow);
    }
    for (const each of panel.querySelectorAll(".headings button")) {
      each.setAttribute("aria-sort", each.dataset.by !== chosen.by ? "none" : chosen.down ? "descending" : "ascending");
    }
    const sorted = [...shown];
    if (chosen.by) sorted.sort((left, right) => order[chosen.by](hosts[left], hosts[right]) * (chosen.down ? -1 : 1));
    hostRows.set(sorted);
    panel.querySelector(".empty")?.remove();
    if (!sorted.length) panel.append(make("p", { class: "empty" }, "No host fits what is looked for."));
  };

  /** The number of hosts at work at each of several moments, and the maximum. */
  const atWork = (numbers, moments) => {
    const change = new Float64Array(moments + 1), events = [];
    const moment = (at) => Math.ceil((at / data.length_s) * moments - 0.5);
    for (const number of numbers) {
      const [from, to] = [hosts[number][START], hosts[number][END] ?? data.length_s + 1];
      events.push([from, 1], [to, -1]);
      change[Math.min(moments, Math.max(0, moment(from)))] += 1;
      change[Math.min(moments, Math.max(0, moment(to)))] -= 1;
    }
    // At equal times, ends come before beginnings.
    events.sort((left, right) => left[0] - right[0] || left[1] - right[1]);
    let now = 0, most = 0;
    for (const [, by] of events) most = Math.max(most, (now += by));
    now = 0;
    return [Array.from(change.subarray(0, moments), (each) => (now += each)), Math.max(1, most)];
  };
  const ticks = (from, to) => {
    const rough = (to - from) / 5, unit = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((each) => each * unit).find((each) => each >= rough);
    const first = Math.ceil(from / step - 1e-9);
    return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, number) => (first + number) * step);
  };
  const lane = (host) => {
    const bar = make("i", { class: host[END] === null ? "open" : "" });
    bar.title = `${host[NAME]}: ${host[STATUS]}, ${seconds(host[START])} to ${host[END] === null ? "no result" : seconds(host[END])}`;
    return [make("span", { class: "name" }, ...marked(host[NAME])), make("span", { class: "lane" }, bar)];
  };
  let timeRows = null, flow = null, axis = null, sight = null;
  /** Fit the scale to the visible hosts, and show their position in the run. */
  const scale = (made, items) => {
    const seen = [...made.keys()].map((at) => hosts[items[at]]);
    if (!seen.length) return;
    let from = Math.min(...seen.map((host) => host[START])), to = Math.max(...seen.map((host) => host[END] ?? data.length_s));
    const least = Math.max(data.length_s / 200, 0.01);
    if (to - from < least) to = from + least;
    if (made.size === items.length) [from, to] = [0, Math.max(to, data.length_s)];
    const place = (at) => (100 * (at - from)) / (to - from);
    for (const [at, row] of made) {
      const host = hosts[items[at]], bar = row.querySelector("i");
      bar.style.left = `min(${place(host[START])}%, 100% - 3px)`;
      bar.style.width = `${Math.max(0, place(host[END] ?? to) - place(host[START]))}%`;
    }
    axis.replaceChildren(...ticks(from, to).map((at) => {
      const mark = make("span", { class: place(at) > 90 ? "late" : "" }, at ? seconds(at) : "0");
      mark.style.left = `${place(at)}%`;
      return mark;
    }));
    sight?.classList.toggle("whole", made.size === items.length);
    sight?.setAttribute("x", (1000 * from) / data.length_s);
    sight?.setAttribute("width", Math.min(1000, (1000 * (to - from)) / data.length_s));
  };
  const drawTime = () => {
    const panel = byId("time");
    if (!(data.length_s > 0)) {
      panel.replaceChildren(make("p", { class: "empty" }, "When hosts were worked on is not known of this run."));
      return;
    }
    if (!timeRows) {
      panel.classList.add("time");
      flow = make("div");
      axis = make("div", { class: "axis", ariaHidden: "true" });
      panel.append(flow, ...data.pauses.map(([at, left]) => make("p", { class: "caption" },
        `A pause of ${seconds(left)} after ${seconds(at)} is left out: the run was gone on with later.`)), make("div", { class: "scale" }, axis));
      timeRows = new Rows(panel, "Hosts by when they were begun", () => 24, lane, scale);
    }
    const known = shown.filter((number) => hosts[number][START] !== null);
    const [counts, most] = atWork(known, 300);
    const points = counts.map((count, at) => `${((at + 0.5) * 1000) / 300},${(100 - (96 * count) / most).toFixed(1)}`);
    const slowest = known.reduce((worst, number) => (worst === null || hosts[number][TOOK] > hosts[worst][TOOK] ? number : worst), null);
    sight = svg("rect", { class: "sight", x: 0, y: 0, width: 1000, height: 100 });
    flow.replaceChildren(
      make("p", { class: "caption" }, `Hosts at work at once: at most ${most.toLocaleString("en")}, over ${seconds(data.length_s)}.`,
        slowest === null ? "" : ` The slowest: ${hosts[slowest][NAME]}, ${seconds(hosts[slowest][TOOK])}.`),
      svg("svg", { class: "flow", viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img", "aria-label": `Hosts at work over time, at most ${most}` },
        sight, svg("path", { d: `M0,100 L${points.join(" L")} L1000,100 Z` })));
    timeRows.set(known.sort((left, right) => hosts[left][START] - hosts[right][START] || left - right));
  };

  // ---- One host -------------------------------------------------------------------------------------------

  let opened = null, cameFrom = null;
  const changeOf = (number) => changes?.items.find((item) => item.hosts.includes(number)) ?? null;
  const openDetail = (number, rows = null) => {
    if (number === undefined) return;
    if (opened === null) cameFrom = document.activeElement;
    opened = number;
    const host = hosts[number], others = folds[host[FOLD]].hosts.length - 1, changed = changeOf(number);
    const fact = (label, value) => (value === null || value === "" ? "" : make("div", {}, make("dt", {}, label), make("dd", {}, value)));
    const sameAnswer = make("button", { class: "plain", type: "button", onclick: () => {
      chosen.fold = host[FOLD];
      closeDetail();
      show("hosts");
      choose();
    } }, `${counted(others, "other host")} with the same answer`);
    byId("detail").replaceChildren(
      make("header", {}, make("h2", {}, host[NAME]), make("button", { class: "plain", type: "button", id: "close", onclick: () => closeDetail() }, "Close")),
      make("dl", { class: "facts" }, fact("Status", status(host[STATUS])), fact("Took", seconds(host[TOOK])), fact("Address", host[WHERE]),
        fact("Round trip", host[RTT] === null ? null : `${host[RTT]} ms`), fact("Attempts", host[ATTEMPTS] > 1 ? String(host[ATTEMPTS]) : null),
        fact("Command sent", host[SENT] ? "yes" : "no"), fact("Worked on", host[START] === null ? null : `${seconds(host[START])} to ${host[END] === null ? "no result" : seconds(host[END])}`)),
      why(host) ?? "", others ? make("p", { class: "act" }, sameAnswer) : "",
      ...(changed ? [make("h3", { class: "over" }, changed.before === changed.after ? "Says something else than before" : `${changed.before} → ${changed.after}`)] : []),
      changed && changed.diff !== null ? block(changed.diff, "diff") : "",
      ...answerOf(host, null));
    byId("detail").hidden = false;
    byId("detail").scrollTop = 0;
    rows?.draw();
  };
  const closeDetail = () => {
    if (opened === null) return;
    opened = null;
    byId("detail").hidden = true;
    hostRows?.draw();
    timeRows?.draw();
    if (cameFrom?.isConnected) cameFrom.focus({ preventScroll: true });
  };

  // ---- Views ----------------------------------------------------------------------------------------------

  const views = { answers: { draw: drawAnswers }, hosts: { draw: drawHosts }, time: { draw: drawTime } };
  if (changes) views.changes = { draw: drawChanges };
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const show = (view) => {
    chosen.view = view;
    for (const tab of tabs) {
      const mine = tab.id === `tab-${view}`;
      tab.setAttribute("aria-selected", String(mine));
      tab.tabIndex = mine ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = !mine;
    }
  };
  for (const tab of tabs) {
    const view = tab.getAttribute("aria-controls");
    tab.addEventListener("click", () => { show(view); views[view].draw(); });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      next.click();
      next.focus();
    });
  }
  for (const chip of document.querySelectorAll(".chip")) {
    chip.addEventListener("click", () => {
      const word = chip.dataset.status;
      if (!chosen.statuses.delete(word)) chosen.statuses.add(word);
      choose();
    });
  }
  let pending = 0;
  byId("find").addEventListener("input", () => {
    clearTimeout(pending);
    pending = setTimeout(() => { chosen.words = byId("find").value.trim().toLowerCase(); choose(); }, hosts.length > 2000 ? 120 : 0);
  });
  byId("clear").addEventListener("click", () => {
    byId("find").value = "";
    [chosen.words, chosen.fold] = ["", null];
    chosen.statuses.clear();
    choose();
    byId("find").focus();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && opened !== null) closeDetail();
    else if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName)) {
      event.preventDefault();
      byId("find").focus();
    }
  });

  // ---- On paper -------------------------------------------------------------------------------------------

  addEventListener("beforeprint", () => {
    const some = folds.map((_, number) => number).filter((number) => folds[number].hosts.some((each) => fits[each]));
    const troubled = shown.filter((number) => hosts[number][STATUS] !== "ok");
    const left = (all, most) => (all > most ? [make("p", { class: "caption" }, `${(all - most).toLocaleString("en")} more are left out.`)] : []);
    byId("printed").replaceChildren(
      ...some.slice(0, PRINTED_CARDS).map(foldCard), ...left(some.length, PRINTED_CARDS),
      ...(troubled.length ? [make("h2", {}, "Hosts that did not end ok"), make("table", {}, ...troubled.slice(0, PRINTED_HOSTS).map((number) =>
        make("tr", {}, make("td", { class: "name" }, hosts[number][NAME]), make("td", {}, hosts[number][STATUS]), make("td", {}, brief(hosts[number])))))] : []),
      ...left(troubled.length, PRINTED_HOSTS));
  });
  addEventListener("afterprint", () => byId("printed").replaceChildren());

  const fitTools = () => document.documentElement.style.setProperty("--tools", `${document.querySelector(".tools").offsetHeight}px`);
  addEventListener("resize", fitTools);
  fitTools();
  const took = byId("took");
  if (took.dataset.seconds) took.textContent = seconds(Number(took.dataset.seconds));
  for (const each of document.querySelectorAll("time")) {
    each.textContent = new Date(each.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  }
  choose();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
})();
