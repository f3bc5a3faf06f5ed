/* Filters the lists of the page; without it everything is shown. */
(function () {
  "use strict";
  var bars = document.querySelectorAll(".filter");
  bars.forEach(function (bar) {
    bar.hidden = false;
    var scope = document.getElementById(bar.getAttribute("data-for"));
    var text = bar.querySelector("input[type=search]");
    var boxes = bar.querySelectorAll("input[type=checkbox]");
    var none = bar.querySelector("[data-none]");
    function apply() {
      var words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      var on = {};
      boxes.forEach(function (b) { on[b.value] = b.checked; });
      var shown = 0;
      scope.querySelectorAll("[data-severity]").forEach(function (item) {
        var all = item.textContent.toLowerCase();
        var hit = on[item.getAttribute("data-severity")] !== false && words.every(function (w) { return all.indexOf(w) >= 0; });
        item.hidden = !hit;
        if (hit) { shown++; }
      });
      scope.querySelectorAll("details.group").forEach(function (g) {
        var left = g.querySelectorAll("[data-severity]:not([hidden])").length;
        g.hidden = left === 0 && (words.length > 0 || g.querySelector("[data-severity]") !== null);
        if (words.length > 0 && left > 0) { g.open = true; }
      });
      none.hidden = shown > 0;
    }
    text.addEventListener("input", apply);
    boxes.forEach(function (b) { b.addEventListener("change", apply); });
  });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (d) { d.open = true; });
  });
})();
