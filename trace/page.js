"use strict";

(() => {
	const trace = JSON.parse(byID("trace").textContent);
	const steps = trace.steps ?? [];
	const texts = trace.texts ?? {};
	const end = Object.values(texts).reduce((most, block) => Math.max(most, block.to), Math.max(1, trace.tokens_read));
	const answer = trace.answer.replace(/^[\s\p{P}]+|[\s\p{P}]+$/gu, "");
	const everything = tally(steps);
	const number = new Intl.NumberFormat("en").format;
	const listed = 20; // blocks in the list
	const column = 3; // pixels: the narrowest mark, to which look-ups are gathered
	const reach = 12; // pixels from the pointer to a mark
	const row = Math.max(10, Math.min(44, Math.floor(420 / trace.layers))); // pixels for a layer
	const map = byID("map");

	let step = -1; // the chosen token, -1 for all
	let view = everything; // its look-ups, by block
	let order = []; // its blocks, the most looked-up first
	let places = []; // its blocks, from the start of the text to the end
	let chosen = null; // the block that is told about
	let width = 1; // pixels of the map, when rows were summed
	let rows = []; // [layer] column -> {n, fetched}
	let most = 1; // the largest n in rows

	function byID(id) {
		return document.getElementById(id);
	}

	function make(tag, props, ...children) {
		const element = Object.assign(document.createElement(tag), props);
		element.append(...children);
		return element;
	}

	function plural(n, noun) {
		return `${number(n)} ${noun}${n === 1 ? "" : "s"}`;
	}

	// add counts n look-ups under a key.
	function add(sums, key, n, fetched) {
		const sum = sums.get(key) ?? { n: 0, fetched: 0, layers: new Map() };
		sum.n += n;
		sum.fetched += fetched;
		sums.set(key, sum);
		return sum;
	}

	// tally counts the look-ups of some steps: block -> {n, fetched, layers: layer -> {n, fetched}}.
	function tally(some) {
		const blocks = new Map();
		for (const { layers } of some) {
			layers.forEach(({ looked_up, fetched }, layer) => {
				for (const block of looked_up ?? []) {
					const moved = fetched?.includes(block) ? 1 : 0;
					add(add(blocks, block, 1, moved).layers, layer, 1, moved);
				}
			});
		}
		return blocks;
	}

	// xOf is the middle of a block on the map.
	function xOf(block) {
		const { from, to } = texts[block];
		return ((from + to) / 2 / end) * width;
	}

	function columnOf(block) {
		return Math.floor(xOf(block) / column);
	}

	// gather sums the look-ups of each layer by column, for thousands of blocks share a thousand pixels.
	function gather() {
		width = map.clientWidth;
		rows = Array.from({ length: trace.layers }, () => new Map());
		for (const [block, { layers }] of view) {
			const x = columnOf(block);
			for (const [layer, { n, fetched }] of layers) {
				add(rows[layer], x, n, fetched);
			}
		}
		most = Math.max(1, ...rows.flatMap((sums) => [...sums.values()].map(({ n }) => n)));
	}

	function draw() {
		const style = getComputedStyle(document.documentElement);
		const scale = window.devicePixelRatio || 1;
		const height = row * trace.layers;
		map.style.height = height + "px";
		map.width = Math.round(width * scale);
		map.height = Math.round(height * scale);
		const g = map.getContext("2d");
		g.scale(scale, scale);
		const fill = (name, ...box) => {
			g.fillStyle = style.getPropertyValue("--" + name);
			g.fillRect(...box);
		};
		const tall = ({ n }) => (row - 5) * Math.sqrt(n / most); // a root, so that one look-up is seen beside many
		const bar = (foot, x, wide, sum) => {
			const part = (tall(sum) * sum.fetched) / sum.n;
			fill("looked-up", x, foot - tall(sum), wide, tall(sum));
			fill("fetched", x, foot - part, wide, part);
		};
		const at = chosen === null ? null : columnOf(chosen);
		if (at !== null) {
			fill("band", at * column - 8, 0, column + 16, height);
		}
		rows.forEach((sums, layer) => {
			const foot = (layer + 1) * row - 1;
			fill("line", 0, foot, width, 1);
			sums.forEach((sum, x) => bar(foot, x * column, column, sum));
			if (view.get(chosen)?.layers.has(layer)) {
				const sum = sums.get(at);
				fill("paper", at * column - 4, foot - tall(sum) - 1, column + 8, tall(sum) + 1);
				bar(foot, at * column - 3, column + 6, sum);
			}
		});
	}

	// nearest is the block closest to x, in a layer or else in any; the most looked-up of those that cannot be told apart.
	function nearest(x, layer) {
		for (const blocks of [order.filter((block) => view.get(block).layers.has(layer)), order]) {
			let [best, least] = [null, reach];
			for (const block of blocks) {
				const away = Math.abs(xOf(block) - x);
				if (away < least - 1) {
					[best, least] = [block, away];
				}
			}
			if (best !== null) {
				return best;
			}
		}
		return null;
	}

	function select(block) {
		chosen = block;
		draw();
		byID("block").hidden = chosen === null;
		if (chosen !== null) {
			tell();
		}
		for (const button of byID("list").querySelectorAll("button")) {
			button.setAttribute("aria-pressed", button.value === String(block));
		}
		byID("tokens").querySelectorAll("label:not(.all)").forEach((label, i) => {
			label.classList.toggle("uses", steps[i].layers.some(({ looked_up }) => looked_up?.includes(block)));
		});
	}

	// tell shows the chosen block, under the map and to those who hear the page.
	function tell() {
		const { from, to, text } = texts[chosen];
		const { n, fetched, layers } = view.get(chosen);
		const title = `Block ${number(chosen)}`;
		const where = `Tokens ${number(from)} to ${number(to - 1)}, ${((100 * from) / end).toFixed(1)} % into the text`;
		const times = `Looked up ${plural(n, "time")}, fetched ${plural(fetched, "time")}`;
		const byLayer = [...layers].sort(([a], [b]) => a - b).map(([layer, sum]) => `layer\u00a0${layer}\u00a0×\u00a0${sum.n}`);
		const same = order.filter((block) => block !== chosen && columnOf(block) === columnOf(chosen)).slice(0, 12);
		byID("block-title").textContent = title;
		byID("block-where").textContent = where;
		byID("block-text").replaceChildren(...marked(text));
		byID("block-layers").textContent = `${times}: ${byLayer.join(", ")}`;
		byID("block-others").replaceChildren(...(same.length ? ["In the same place: "] : []), ...same.map((block) =>
			make("button", { type: "button", textContent: number(block), ariaLabel: `Block ${block}`, onclick: () => select(block) })));
		map.setAttribute("aria-valuenow", chosen);
		map.setAttribute("aria-valuetext", `${title}. ${where}. ${times}. ${text}`);
	}

	// marked is a text with the answer marked wherever it stands.
	function marked(text) {
		const parts = answer.length < 3 ? [text] : text.split(answer);
		return parts.flatMap((part, i) => (i ? [make("mark", { textContent: answer }), part] : [part]));
	}

	function summarise() {
		let [n, fetched] = [0, 0];
		for (const sum of view.values()) {
			n += sum.n;
			fetched += sum.fetched;
		}
		const who = step < 0 ? `For all ${plural(steps.length, "token")}` : `For token ${step + 1}, at position ${number(steps[step].position)}`;
		const share = n ? ` (${Math.round((100 * fetched) / n)} %)` : "";
		byID("summary").textContent = `${who}: ${plural(n, "look-up")} of ${plural(view.size, "block")}, ${number(fetched)} fetched${share}.`;
	}

	function list() {
		byID("list").replaceChildren(...order.slice(0, listed).map((block) => {
			const { n, fetched } = view.get(block);
			const bar = make("span", { className: "bar" }, make("i"));
			bar.style.width = `${(100 * n) / view.get(order[0]).n}px`;
			bar.firstChild.style.width = `${(100 * fetched) / n}%`;
			return make("li", {}, make("button", { type: "button", value: block, title: `${n} look-ups, ${fetched} fetched`, onclick: () => select(block) },
				make("span", { className: "number", textContent: number(block) }),
				make("span", { className: "count" }, bar, number(n)),
				make("span", { className: "text", dir: "auto" }, ...marked(texts[block].text))));
		}));
	}

	// choose shows one token, or all for -1.
	function choose(next) {
		step = next;
		view = step < 0 ? everything : tally([steps[step]]);
		order = [...view.keys()].sort((a, b) => view.get(b).n - view.get(a).n || a - b);
		places = [...order].sort((a, b) => texts[a].from - texts[b].from);
		byID("tokens").querySelectorAll("input")[step + 1].checked = true;
		gather();
		summarise();
		list();
		select(view.has(chosen) ? chosen : order[0] ?? null);
	}

	// visible is what to show of a token, which may be white space, a part of a letter, or nothing.
	function visible({ token, id }) {
		const text = token.replaceAll("\n", "↵").replaceAll("\t", "⇥");
		if (text === "" || text.includes("\uFFFD")) {
			return `#${id}`;
		}
		return text.trim() ? text : text.replaceAll(" ", "␣");
	}

	function addToken(i, text, className, ariaLabel) {
		const input = make("input", { type: "radio", name: "token", ariaLabel, onchange: () => choose(i) });
		byID("tokens").append(make("label", { className }, input, make("span", { textContent: text })));
	}

	function addLabels() {
		const every = Math.ceil(14 / row); // a label is 14 pixels tall
		document.documentElement.style.setProperty("--row", row + "px");
		for (let layer = 0; layer < trace.layers; layer++) {
			const label = layer % every ? [] : [make("span", { className: "word", textContent: "layer " }), `${layer}`];
			byID("layers").append(make("div", {}, ...label));
		}
		for (const part of [0, 0.25, 0.5, 0.75, 1]) {
			const tick = make("span", { textContent: (part ? "" : "token ") + number(Math.round(part * end)) });
			tick.style.left = `${100 * part}%`;
			byID("axis").append(tick);
		}
	}

	function point(event) {
		const box = map.getBoundingClientRect();
		const block = nearest(event.clientX - box.left, Math.floor((event.clientY - box.top) / row));
		if (block !== null && block !== chosen) {
			select(block);
		}
	}

	// walk moves from block to block while the map has the focus.
	function walk(event) {
		const at = places.indexOf(chosen);
		const last = places.length - 1;
		const to = {
			ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1,
			PageUp: at + 10, PageDown: at - 10, Home: 0, End: last,
		}[event.key];
		if (to !== undefined && last >= 0) {
			event.preventDefault();
			select(places[Math.max(0, Math.min(last, to))]);
		}
	}

	// keys moves from token to token while nothing has the focus; the radio buttons do so themselves.
	function keys({ key }) {
		const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
		if (key === "Escape") {
			choose(-1);
		} else if (by && document.activeElement === document.body) {
			const all = steps.length + 1;
			choose(((step + 1 + by + all) % all) - 1);
		}
	}

	addToken(-1, "all", "all", "All tokens");
	steps.forEach((s, i) => addToken(i, visible(s), "", `Token ${i + 1}: ${s.token}`));
	addLabels();
	map.addEventListener("pointermove", point);
	map.addEventListener("pointerdown", point);
	map.addEventListener("keydown", walk);
	document.addEventListener("keydown", keys);
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
	choose(-1);
	new ResizeObserver(() => {
		gather();
		draw();
	}).observe(map.parentElement);
})();
