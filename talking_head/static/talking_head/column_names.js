// On a phone a row of a table is a card without the table's head: every cell then says the name of its column.

// A name for each column of the head, whose cells may span several.
function columnNames(head) {
  const grid = [...head.rows].map(() => []);
  [...head.rows].forEach((row, index) => {
    let column = 0;
    for (const cell of row.cells) {
      while (grid[index][column] !== undefined) column += 1;
      const words = (cell.querySelector(".text") ?? cell).textContent.trim();
      for (let down = 0; down < cell.rowSpan; down += 1) {
        for (let right = 0; right < cell.colSpan; right += 1) grid[index + down][column + right] = down ? "" : words;
      }
      column += cell.colSpan;
    }
  });
  return grid[0].map((_, column) => grid.map((row) => row[column]).filter(Boolean).join(", "));
}

for (const table of document.querySelectorAll("#result_list, .lectern-stack")) {
  const names = columnNames(table.tHead);
  for (const row of table.tBodies[0].rows) {
    [...row.cells].forEach((cell, column) => {
      if (cell.tagName === "TD" && names[column] && !cell.matches(".action-checkbox")) cell.dataset.column = names[column];
    });
  }
}
