"""60 pushes over 6 apps while parts are killed: nothing lost, nothing twice, nothing stuck."""
